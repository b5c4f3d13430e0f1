-- evidence_ref: from every derived row back to the rows of evidence it rests on, by source, table and address.
-- step: delivered, mounted, volume, executed, followed. role: what the row says there.
-- A finding has the references of all its members. Of the uses of a volume the first volume_refs per session are kept.
-- Misses: ends by shutdown or crash have no row of their own (table boot says them).
CREATE OR REPLACE TEMP TABLE reference AS
WITH delivered AS (
    SELECT delivery_id AS subject_id, mft_source AS source_id, CASE WHEN is_marked THEN 'zone_identifier' ELSE 'mft_name' END AS table_name,
        mft_offset AS record_offset, CASE WHEN is_marked THEN 'mark of the file' ELSE 'the file' END AS role
    FROM delivery
    UNION ALL
    SELECT delivery_id, event_source, CASE WHEN is_marked THEN 'sysmon_stream_create' ELSE 'sysmon_file_create' END, event_offset,
        CASE WHEN is_marked THEN 'mark written' ELSE 'file created' END
    FROM delivery
    UNION ALL
    SELECT delivery_id, creator_source, 'sysmon_file_create', creator_offset, 'file created' FROM delivery
    UNION ALL
    SELECT * FROM delivery_ref
),
mounted AS (
    SELECT session_id AS subject_id, handle_source AS source_id, 'vhdmp' AS table_name, handle_offset AS record_offset, 'handle opened (12)' AS role FROM session
    UNION ALL
    SELECT session_id, surfaced_source, 'vhdmp', surfaced_offset, 'disk surfaced (1)' FROM session WHERE is_surfaced
    UNION ALL
    SELECT session_id, close_source, 'vhdmp', close_offset, 'disk removed' FROM session
    UNION ALL
    SELECT session_id, disk_source, CASE WHEN other_basis IS NULL THEN 'partition_diagnostic' ELSE 'scsi_device' END, disk_offset, 'disk arrived' FROM session
    UNION ALL
    SELECT session_id, disk_close_source, 'partition_diagnostic', disk_close_offset, 'disk left' FROM session
    UNION ALL
    SELECT session_id, mft_source, 'mft_name', mft_offset, 'file of the image' FROM session
    UNION ALL
    SELECT session_id, trace_source, trace_table, trace_offset, 'name of the image at that moment' FROM session
    UNION ALL
    SELECT session_id, source_id, table_name, record_offset, role FROM session_trace
    UNION ALL
    SELECT session_id, source_id, CASE bound WHEN 'cleared' THEN 'system_log_cleared' ELSE 'vhdmp' END, record_offset,
        CASE bound WHEN 'cleared' THEN 'log of mounts cleared (104)' ELSE 'image in use (300)' END
    FROM open_before
),
volume AS (
    SELECT DISTINCT u.session_id AS subject_id, u.source_id, u.table_name, u.record_offset, 'use of ' || upper(u.volume) || ', ' || u.what AS role
    FROM inside_use u
    JOIN session_volume v ON v.session_id = u.session_id AND v.volume = u.volume
    QUALIFY row_number() OVER (PARTITION BY u.session_id ORDER BY u.mono_ns, u.record_offset) <= rule_value('volume_refs')
    UNION ALL
    SELECT session_id, source_id, table_name, record_offset, 'names the volume ' || upper(volume) FROM named_volume
),
process_row AS (
    SELECT process_key, sysmon_source_id AS source_id, 'sysmon_process_create' AS table_name, sysmon_offset AS record_offset FROM process
    UNION ALL
    SELECT process_key, security_source_id, 'security_process_create', security_offset FROM process
    UNION ALL
    SELECT process_key, mde_source_id, 'mde_device_process_events', mde_row FROM process
),
executed AS (
    SELECT e.execution_id AS subject_id, r.source_id, r.table_name, r.record_offset, 'process start' AS role
    FROM execution e
    JOIN process_row r USING (process_key)
    UNION ALL
    SELECT short_hash(concat_ws('|', 'module', session_id, coalesce(process_key, process_id::VARCHAR), path_key(image_loaded))), source_id,
        table_name, record_offset, 'module load'
    FROM loaded
    UNION ALL
    SELECT execution_id, source_id, 'powershell_script_block', record_offset, 'script block' FROM script_run
    UNION ALL
    SELECT short_hash(concat_ws('|', 'hash', session_id, process_key)), source_id, 'image_content', record_offset, 'file in the image'
    FROM hash_run
    UNION ALL
    SELECT execution_id, unnest([source_id, content_source]), unnest(['sysmon_image_load', 'image_content']), unnest([record_offset, content_offset]),
        unnest(['module load', 'file in the image'])
    FROM hash_module
    UNION ALL
    SELECT short_hash(concat_ws('|', 'listed', session_id, process_key)), source_id, 'image_content', record_offset, 'file in the image'
    FROM listed_run
    UNION ALL
    SELECT execution_id, source_id, table_name, record_offset, role FROM trace_ref
    UNION ALL
    SELECT p.execution_id, unnest([u.source_id, u.content_source]), unnest(['prefetch_run', 'image_content']),
        unnest([u.run_offset, u.content_offset]), unnest(['run time', 'file in the image'])
    FROM prefetch_use u
    JOIN execution p ON p.execution_id = short_hash(concat_ws('|', 'prefetch', u.host, u.session_id, u.image_path, u.program, u.run_ns))
),
followed AS (
    SELECT follow_on_id AS subject_id, source_id, table_name, record_offset, 'act: ' || kind AS role FROM follow_row
    UNION ALL
    SELECT kept_id, source_id, table_name, record_offset, 'tells it too: ' || kind FROM follow_also
    UNION ALL
    SELECT f.follow_on_id, c.image_source, 'image_content', c.image_offset, 'file in the image'
    FROM follow_row f
    JOIN copied_out c ON f.kind = 'file_create' AND c.source_id = f.source_id AND c.table_name = f.table_name AND c.record_offset = f.record_offset
    UNION ALL
    SELECT f.follow_on_id, r.source_id, r.table_name, r.record_offset, 'act: child_process'
    FROM follow_row f
    JOIN process_row r USING (process_key)
    WHERE f.kind = 'child_process'
)
SELECT DISTINCT subject_id, step, source_id, table_name, record_offset::VARCHAR AS row_address, role
FROM (
    SELECT 'delivered' AS step, * FROM delivered
    UNION ALL SELECT 'mounted', * FROM mounted
    UNION ALL SELECT 'volume', * FROM volume
    UNION ALL SELECT 'executed', * FROM executed
    UNION ALL SELECT 'followed', * FROM followed
)
WHERE source_id IS NOT NULL AND record_offset IS NOT NULL;

INSERT INTO evidence_ref BY NAME
WITH member AS (
    SELECT finding_id, delivery_id AS subject_id FROM subject WHERE delivery_id IS NOT NULL
    UNION
    SELECT finding_id, session_id FROM subject WHERE session_id IS NOT NULL
    UNION
    SELECT finding_id, execution_id FROM finding_run
    UNION
    SELECT finding_id, follow_on_id FROM finding_act
)
SELECT * FROM reference
UNION
SELECT f.finding_id AS subject_id, r.step, r.source_id, r.table_name, r.row_address, r.role
FROM member f
JOIN finding g USING (finding_id)
JOIN reference r USING (subject_id);
