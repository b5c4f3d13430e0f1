-- mount_call (temporary): calls of Mount-DiskImage and Dismount-DiskImage that PowerShell logged or kept, one row per call
-- and image, with the text of the path as it was written.
-- From 4103 (CommandInvocation with the ParameterBinding of ImagePath), 4104 (a call outside comments, here-strings and the
-- bodies of functions; or a later block that calls a function which holds it), command lines of PowerShell, PSReadLine.
-- PSReadLine keeps no times: time_utc is the file's last change for its last line, else NULL.
-- Variables are resolved by an assignment of a literal in the same text. Misses: paths that are computed, encoded commands.
CREATE OR REPLACE TEMP MACRO without_comments(text) AS
    regexp_replace(regexp_replace(regexp_replace(text, '(?s)<#.*?#>', ' ', 'g'), '(?s)@["'']\s*\n.*?\n["'']@', '''''', 'g'), '(?m)(^|\s)#[^\n]*', ' ', 'g');
-- Blocks from the innermost outwards: bodies of functions go, other blocks stay with other braces. Eight levels.
CREATE OR REPLACE TEMP MACRO without_functions(text) AS
    list_reduce(
        [without_comments(text), '', '', '', '', '', '', '', ''],
        lambda kept, x: regexp_replace(
            regexp_replace(kept, '(?i)\b(function|filter|workflow)\s+[\w:.-]+\s*(\([^{}]*\))?\s*\{[^{}]*\}', ' ', 'g'),
            '\{([^{}]*)\}', '⟦\1⟧', 'g'
        )
    );
CREATE OR REPLACE TEMP MACRO statements_of(text, verb) AS
    regexp_extract_all(
        text, '(?i)(?:^|[\n;|(=&⟦])\s*(?:\[void\]\s*|return\s+)?(?:storage\\)?' || verb || '(?:\s[^\n;|]*)?(?:$|[\n;|])'
    );
-- The path on a statement: a quoted or bare word with an extension, else the literal a variable was given.
CREATE OR REPLACE TEMP MACRO image_word(statement, whole) AS
    coalesce(
        nullif(regexp_extract(statement, '["'']([^"''\n]+\.[A-Za-z0-9]{2,5})["'']', 1), ''),
        nullif(regexp_extract(statement, '\s(?:-[A-Za-z]+[:\s]\s*)*([^\s"''(){}⟦⟧;|,-][^\s"''(){}⟦⟧;|,]*\.[A-Za-z0-9]{2,5})(?:[\s(){}⟦⟧;|,]|$)', 1), ''),
        nullif(regexp_extract(
            whole, '(?i)\$' || nullif(regexp_extract(statement, '\s\$\{?(\w+)', 1), '') || '\s*=\s*["'']([^"''\n]+\.[a-z0-9]{2,5})["'']', 1
        ), '')
    );

CREATE OR REPLACE TEMP TABLE mount_call AS
WITH part AS (
    SELECT *, coalesce(script_block_id, record_offset::VARCHAR) AS block FROM timed('powershell_script_block')
),
telling AS (
    SELECT host, time_utc, mono_ns, record_offset, source_id, user_sid, text, without_functions(text) AS outside
    FROM (
        SELECT p.host, p.source_id, min(p.time_utc) AS time_utc, min(p.mono_ns) AS mono_ns, min(p.record_offset) AS record_offset,
            any_value(p.user_sid) AS user_sid, string_agg(p.script_block_text, '' ORDER BY p.message_number) AS text
        FROM part p
        SEMI JOIN (SELECT * FROM part WHERE script_block_text ILIKE '%mount-diskimage%') m ON m.host = p.host AND m.source_id = p.source_id AND m.block = p.block
        GROUP BY p.host, p.source_id, p.block
    )
),
-- Functions that hold the call, and later blocks of the host that call them.
wrapper AS (
    SELECT DISTINCT host, time_utc, unnest(regexp_extract_all(
        without_comments(text), '(?is)\bfunction\s+([\w-]+)[^{}]*\{(?:[^{}]|\{[^{}]*\})*?\bmount-diskimage\b', 1
    )) AS name
    FROM telling
),
wrapped AS (
    SELECT b.*, w.name, without_functions(b.script_block_text) AS outside
    FROM wrapper w
    JOIN part b ON b.host = w.host AND b.time_utc >= w.time_utc AND contains(lower(b.script_block_text), lower(w.name))
    WHERE lower(w.name) NOT LIKE '%mount-diskimage'
),
line AS (
    SELECT h.*, lower(m.volume || n.path) AS file_key, n.source_id AS mft_source, n.record,
        row_number() OVER (PARTITION BY h.source_id ORDER BY line_number DESC) = 1 AS is_last
    FROM powershell_history h
    JOIN source s USING (source_id)
    LEFT JOIN mft_volume m ON m.host = h.host
    LEFT JOIN mft_name n ON n.source_id = m.source_id AND m.volume || lower(n.path) = path_key(s.windows_path)
    WHERE h.command ILIKE '%mount-diskimage%'
),
last_line AS (
    SELECT source_id, max(line_number) AS line_number FROM powershell_history GROUP BY source_id
),
said AS (
    SELECT host, time_utc, mono_ns, regexp_extract(payload, '(?i)CommandInvocation\((Dism|M)ount-DiskImage\)', 1) AS verb,
        regexp_extract(payload, '(?i)ParameterBinding\((?:Dism|M)ount-DiskImage\):\s*name="ImagePath";\s*value="([^"]+)"', 1) AS word,
        'PowerShell called it (4103)' AS what, user_sid, source_id, 'powershell_pipeline' AS table_name, record_offset
    FROM timed('powershell_pipeline')
    WHERE payload ILIKE '%CommandInvocation(%mount-diskimage)%' AND payload ILIKE '%ParameterBinding(%mount-diskimage)%'
    UNION ALL
    SELECT host, time_utc, mono_ns, verb, image_word(unnest(statements_of(outside, verb || 'ount-diskimage')), outside),
        'script block calls Mount-DiskImage (4104)', user_sid, source_id, 'powershell_script_block', record_offset
    FROM telling, (VALUES ('m'), ('dism')) v(verb)
    -- A closing brace too many: the part with the head of its function is missing.
    WHERE NOT contains(outside, '}')
    UNION ALL
    SELECT host, time_utc, mono_ns, 'm', image_word(unnest(statements_of(outside, name)), outside),
        'script block calls a function that holds Mount-DiskImage (4104)', user_sid, source_id, 'powershell_script_block', record_offset
    FROM wrapped
    UNION ALL
    SELECT host, started_utc, start_ns, verb, image_word(unnest(statements_of(
            regexp_replace(command_line, '(?i)^.*?\s-c[a-z]*\s+["'']?(&\s*\{)?', ';'), verb || 'ount-diskimage')), command_line),
        'command line of PowerShell calls Mount-DiskImage', user_sid, coalesce(sysmon_source_id, security_source_id, mde_source_id),
        CASE WHEN sysmon_source_id IS NOT NULL THEN 'sysmon_process_create' WHEN security_source_id IS NOT NULL THEN 'security_process_create'
            ELSE 'mde_device_process_events' END,
        coalesce(sysmon_offset, security_offset, mde_row)
    FROM process, (VALUES ('m'), ('dism')) v(verb)
    WHERE command_line ILIKE '%mount-diskimage%' AND program_of(path) IN ('powershell', 'pwsh')
    UNION ALL
    SELECT l.host, CASE WHEN l.line_number = t.line_number THEN e.si_modified_utc END,
        CASE WHEN l.line_number = t.line_number THEN stamp_ns(l.host, e.si_modified_utc) END,
        'm', image_word(unnest(statements_of(without_functions(l.command), 'mount-diskimage')), l.command),
        'command typed into PowerShell (its history keeps no times)', NULL, l.source_id, 'powershell_history', l."offset"
    FROM line l
    JOIN last_line t USING (source_id)
    LEFT JOIN mft_entry e ON e.source_id = l.mft_source AND e.record = l.record AND e.in_use
)
SELECT host, time_utc, mono_ns, lower(verb) = 'dism' AS is_dismount, trim(word) AS word,
    CASE WHEN regexp_matches(word, '^([A-Za-z]:\\|\\\\)') AND NOT contains(word, '$') THEN canonical(word) END AS image_path,
    file_name(trim(word)) AS image_name, what, user_sid, source_id, table_name, record_offset
FROM said
WHERE word <> '' AND NOT contains(file_name(word), '$')
-- One call, logged twice.
QUALIFY row_number() OVER (PARTITION BY host, table_name, source_id, record_offset, word, is_dismount) = 1;
