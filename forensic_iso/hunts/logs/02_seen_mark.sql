-- seen_mark: Zone.Identifier streams with their text: Sysmon 15, and the streams in the $MFT.
-- path: the marked file ($MFT: from the root, without letter); file: the same in lower case.
-- text: the stream's content in lower case; zone_id, host_url: taken out of it.
-- time_utc: writing of the stream (Sysmon), creation of the file ($MFT). process_path: the writer; NULL in the $MFT.
-- Misses: marks removed before the collection without Sysmon 15; Sysmon rows whose content was not logged.
WITH told AS (
  SELECT
    coalesce(utc_time, time_utc) AS time_utc, host,
    regexp_replace(target_filename, '(?i):zone\.identifier(:\$data)?$', '') AS path,
    lower(contents) AS text, image AS process_path,
    'sysmon_stream_create' AS log, source_id, record_offset::VARCHAR AS row_address
  FROM sysmon_stream_create
  WHERE damaged IS NOT TRUE AND regexp_matches(target_filename, '(?i):zone\.identifier(:\$data)?$')
  UNION ALL
  SELECT
    si_created_utc, host, path, lower(text), NULL, 'zone_identifier', source_id, record_offset::VARCHAR
  FROM zone_identifier
)
SELECT
  t.*, lower(t.path) AS file, lower(regexp_extract(t.process_path, '([^\\/]*)$', 1)) AS program,
  TRY_CAST(nullif(regexp_extract(t.text, 'zoneid\s*=\s*([0-9]+)', 1), '') AS INTEGER) AS zone_id,
  nullif(regexp_extract(t.text, 'hosturl\s*=\s*(\S+)', 1), '') AS host_url
FROM told t, seen_reach r
WHERE t.time_utc IS NULL OR (t.time_utc > r.since_utc AND t.time_utc <= r.until_utc)
