-- listed_run (temporary), rows of execution: process starts that only the files of an image in the evidence explain.
-- lnk_argument: started by Explorer with the target and the arguments of a shortcut in the image, while it was open.
-- content_match: a launcher was given a relative file where no directory is logged (4688), and of the open images this
-- one alone lists that file.
-- relative_arg_cwd: the same where the image is not at hand, by the shape of the argument and the one who gave it.
-- From process and session_file. Starts that 08_execution has are left out.
-- Misses: bare names without folder or code extension; shortcuts without arguments.
-- Padding hides arguments from a reader: any run of blanks, tabs and line breaks counts as one blank.
CREATE OR REPLACE TEMP MACRO one_blank(line) AS trim(regexp_replace(line, '[\s\x00-\x1f\x{a0}]+', ' ', 'g'));

CREATE OR REPLACE TEMP TABLE listed_run AS
WITH started AS (
    SELECT p.process_key, p.host, p.start_ns, p.path, p.current_directory, program_of(p.parent_path) AS parent,
        list_distinct([program_of(p.path), program_of(regexp_replace(p.original_file_name, '(?i)\.mui$', ''))]) AS programs,
        trim(regexp_replace(t.plain, '^\s*("[^"]*"|\S+)\s*', '')) AS arguments
    FROM process p
    JOIN command_text t USING (process_key)
    ANTI JOIN ran r ON r.process_key = p.process_key
    WHERE p.path ILIKE '_:\windows\%'
),
shortcut AS (
    SELECT s.process_key, f.session_id, 'lnk_argument' AS kind, f.path AS file, f.lnk_target || ' ' || f.lnk_arguments AS target,
        rule_value('c_lnk_argument') AS confidence, f.source_id, f.record_offset
    FROM started s
    JOIN session_file f ON f.host = s.host AND f.shown AND one_blank(f.lnk_arguments) = one_blank(s.arguments)
        AND list_contains(s.programs, program_of(f.lnk_target))
    WHERE s.parent = 'explorer' AND s.arguments <> ''
),
word AS (
    SELECT process_key, host, start_ns,
        NOT list_has_any(programs, rule_words('shell_program')) AND list_has_any(programs, rule_words('loader_any_extension')) AS runs_any,
        list_transform(regexp_extract_all(lower(replace(in_own_directory(arguments), '/', '\')), '"[^"]*"|[^\s"]+'), lambda w: trim(w, '"')) AS words
    FROM started
    WHERE current_directory IS NULL
        AND (list_has_any(programs, rule_words('loader_any_extension')) OR list_has_any(programs, rule_words('loader_code_extension')))
),
token AS (
    SELECT process_key, host, start_ns, runs_any, generate_subscripts(words, 1) = list_position(list_transform(words, lambda w: regexp_matches(w, '^[^\\/-]')), TRUE) AS is_first,
        regexp_replace(regexp_replace(unnest(words), ',[^,\\]*$', ''), '^(\.\\)+', '') AS rel
    FROM word
    WHERE NOT list_has_any(words, rule_words('inert_command'))
),
content AS (
    SELECT t.process_key, f.session_id, 'content_match' AS kind, f.path AS file, f.path AS target,
        CASE WHEN list_contains(rule_words('common_name'), file_name(t.rel)) THEN rule_value('c_content_match_common') ELSE rule_value('c_content_match') END AS confidence,
        f.source_id, f.record_offset
    FROM token t
    JOIN session_file f ON f.host = t.host AND f.shown AND lower(f.path) = t.rel
    -- The first word of a loader may have any name.
    WHERE contains(t.rel, '\') OR list_contains(rule_words('code_extension'), extension_of(t.rel)) OR (t.runs_any AND t.is_first)
),
-- Nothing lists the image and no directory is logged: a relative path with a folder, given by Explorer as a shortcut gives it, while one
-- image alone was open; and what such a command gives its children.
by_extension AS (
    SELECT t.process_key, t.host, t.start_ns, t.rel, p.parent_key, program_of(p.parent_path) = 'explorer' AS by_explorer, o.session_id
    FROM token t
    JOIN process p USING (process_key)
    JOIN session o ON o.host = t.host AND o.open_ns IS NOT NULL AND t.start_ns >= o.open_ns AND (o.end_ns IS NULL OR t.start_ns <= o.end_ns)
    ANTI JOIN noise n ON n.session_id = o.session_id
    ANTI JOIN session_file f ON f.session_id = o.session_id
    WHERE regexp_matches(t.rel, '^[^\\/:*?"<>|%$-][^:*?"<>|%$]*\\[^\\]+$') AND list_contains(rule_words('code_extension'), extension_of(t.rel))
    QUALIFY min(o.session_id) OVER (PARTITION BY t.process_key) = max(o.session_id) OVER (PARTITION BY t.process_key)
),
unlisted AS (
    SELECT process_key, session_id, 'relative_arg_cwd' AS kind, rel AS file, rel AS target, rule_value('c_relative_arg') AS confidence,
        NULL AS source_id, NULL AS record_offset
    FROM by_extension b
    WHERE by_explorer OR EXISTS (SELECT 1 FROM by_extension a WHERE a.process_key = b.parent_key AND a.by_explorer AND a.session_id = b.session_id)
),
open_then AS (
    SELECT m.*
    FROM (SELECT * FROM shortcut UNION ALL SELECT * FROM content UNION ALL SELECT * FROM unlisted) m
    JOIN started s USING (process_key)
    JOIN session o USING (session_id)
    WHERE o.open_ns IS NOT NULL AND s.start_ns >= o.open_ns AND (o.end_ns IS NULL OR s.start_ns <= o.end_ns)
    -- Two open images that list it: neither.
    QUALIFY min(session_id) OVER (PARTITION BY process_key, kind) = max(session_id) OVER (PARTITION BY process_key, kind)
)
SELECT * FROM open_then
QUALIFY row_number() OVER (PARTITION BY process_key ORDER BY confidence DESC, kind DESC, file) = 1;

INSERT INTO execution BY NAME
SELECT short_hash(concat_ws('|', 'listed', l.session_id, l.process_key)) AS execution_id, l.session_id, p.host, s.image_path,
    p.started_utc AS time_utc, l.kind, p.path AS process_path, p.command_line, p.pid, p.process_guid, p.parent_path, p.user_name,
    CASE WHEN l.kind = 'lnk_argument' THEN 'started by Explorer with target and arguments of the shortcut ' || l.file || ' in the image'
        WHEN l.kind = 'relative_arg_cwd' THEN 'argument ' || l.file || ' is relative, given as a shortcut gives it while this image alone was open; '
            || 'no directory is logged, the image is not at hand'
        ELSE 'argument ' || l.file || ' is a file of this image alone; no directory is logged' END AS basis,
    l.confidence, l.target, l.process_key, p.integrity
FROM listed_run l
JOIN process p USING (process_key)
JOIN session s USING (session_id);
