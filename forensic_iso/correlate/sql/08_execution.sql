-- execution: what was run from an image: programs and modules on its volume, and files that launchers were given there.
-- A process or load counts inside its session only (the margin of same_act_s goes to the session that holds it strictly).
-- script_arg: an absolute path on the volume; relative_arg_cwd: a relative file, or one from the root of the drive, the working
-- directory being there.
-- cmd and PowerShell: of each command of the line its head runs (behind start, call, &, if and for, a switch's value aside), and the
-- arguments of a head that is a launcher itself; what other programs are given there is theirs to read. What a shell names must be
-- code, or be given to a loader.
-- One row per process start, its strongest kind first, the others in basis; loads of modules are rows of their own.
-- What a loader runs may have any name: its first word that is no switch, a package of msiexec, the value of a switch that runs it;
-- bare words are files that the image lists. A hash unlike the listed file's halves the confidence. A user's own network drive of the
-- letter hides the volume from that user.
-- Misses: relative arguments where no directory is logged (4688); environment variables; 8.3 names; hashes of files.
CREATE OR REPLACE TEMP TABLE process_volume AS
WITH said AS (
    SELECT process_key, host, start_ns, user_name, volume_quick(path) AS volume, TRUE AS is_path FROM process WHERE host IN (SELECT host FROM session_volume)
    UNION ALL
    SELECT process_key, host, start_ns, user_name, volume_quick(current_directory), FALSE FROM process
    WHERE current_directory IS NOT NULL AND host IN (SELECT host FROM session_volume)
    UNION ALL
    SELECT t.process_key, t.host, t.start_ns, p.user_name, t.volume, FALSE
    FROM (
        SELECT process_key, host, start_ns, unnest(list_distinct(list_concat(
            regexp_extract_all(lower(line), '(?:^|[^a-z0-9/-]|file:/{2,3}|\s[/-](?:package|f?[ipxyza]|[ckr]))([a-z]:)', 1), devices_of(line)))) AS volume
        FROM command_text WHERE host IN (SELECT host FROM session_volume)
    ) t
    JOIN process p USING (process_key)
    WHERE (t.host, t.volume) IN (SELECT (host, volume) FROM session_volume)
),
named AS (
    SELECT process_key, host, start_ns, volume, any_value(user_name) AS user_name, bool_or(is_path) AS is_path
    FROM said
    WHERE (host, volume) IN (SELECT (host, volume) FROM session_volume)
    GROUP BY ALL
)
SELECT n.process_key, n.host, v.session_id, v.volume, v.ground, v.shares, v.form,
    n.start_ns BETWEEN v.open_ns AND v.end_ns AS strictly
FROM named n
JOIN session_volume v ON v.host = n.host AND v.volume = n.volume
    AND n.start_ns >= v.open_ns - rule_ns('same_act_s') AND n.start_ns <= v.end_ns + rule_ns('same_act_s')
-- The user's own network drive of that letter.
ANTI JOIN mapped_letter m ON m.host = n.host AND m.volume = n.volume AND m.user_name = lower(n.user_name) AND NOT n.is_path
    AND n.start_ns BETWEEN m.from_ns AND m.to_ns
QUALIFY strictly OR NOT bool_or(strictly) OVER (PARTITION BY n.process_key, n.volume);

-- Shells put their directory for these.
CREATE OR REPLACE TEMP MACRO in_own_directory(line) AS regexp_replace(line, '(?i)(?:%cd%|%__cd__%|\$\{?pwd\}?|\$\(pwd\))[\\/]+', '.\\', 'g');

CREATE OR REPLACE TEMP TABLE launcher AS
WITH named AS (
    SELECT p.process_key, p.host, v.session_id, v.volume, v.form, p.current_directory,
        volume_quick(p.current_directory) = v.volume AS in_directory,
        list_distinct([program_of(p.path), program_of(regexp_replace(p.original_file_name, '(?i)\.mui$', ''))]) AS programs,
        in_own_directory(regexp_replace(t.plain, '^\s*("[^"]*"|\S+)\s*', '')) AS arguments, t.encoded
    FROM process_volume v
    JOIN process p USING (process_key)
    JOIN command_text t USING (process_key)
    WHERE volume_quick(p.path) IS DISTINCT FROM v.volume AND p.command_line IS NOT NULL
),
classed AS (
    SELECT *,
        CASE
            WHEN list_has_any(programs, rule_words('loader_any_extension')) THEN 'loader'
            WHEN list_has_any(programs, rule_words('loader_code_extension')) THEN 'code'
            WHEN list_has_any(programs, rule_words('office_program')) THEN 'office'
            WHEN list_has_any(programs, rule_words('viewer_program')) THEN 'viewer'
        END AS class,
        list_has_any(programs, rule_words('shell_program')) AS is_shell, list_has_any(programs, ['cmd', 'powershell', 'pwsh']) AS has_heads
    FROM (
        -- \" is a quote in the lines that PowerShell gets, ^ an escape in those of cmd; cmd takes /cE:\x.bat, msiexec /iE:\x.msi.
        SELECT * REPLACE (CASE
                WHEN list_has_any(programs, ['powershell', 'pwsh']) THEN replace(arguments, '\"', '"')
                WHEN list_contains(programs, 'cmd') THEN regexp_replace(
                    CASE WHEN contains(arguments, '^') THEN regexp_replace(arguments, '\^([^\s"])', '\1', 'g') ELSE arguments END,
                    '(?i)^(\s*(?:/(?:[adqsuxy]|[efv](?::on|:off)?|t:\w+)\s*)*/[ckr])(\S)', '\1 \2')
                WHEN list_contains(programs, 'msiexec') THEN regexp_replace(arguments, '(?i)(^|\s)([/-](?:package|f?[ipxyza]))("|[a-z]:[\\/])', '\1\2 \3', 'g')
                ELSE arguments END AS arguments)
        FROM named
    )
)
SELECT * EXCLUDE (arguments),
    -- The command inside cmd /c "..." and powershell -c "...": its outer quotes go, unless they hold one plain path.
    concat_ws(' ; ',
        CASE
            WHEN is_shell AND regexp_matches(arguments, '(?i)(^|\s)[/-](c|k|r|command)\s*"[^"]*["&|<>][^"]*|(^|\s)[/-](c|k|r|command)\s*"[^"]*"\s*$')
                AND NOT (regexp_matches(arguments, '(?i)(^|\s)[/-](c|k|r|command)\s*"(?:[a-z]:|\.{1,2})[\\/][^"&|<>]*"\s*$')
                    -- A program and its arguments are no path.
                    AND NOT regexp_matches(arguments, '(?i)(^|\s)[/-](c|k|r|command)\s*"(?:[a-z]:|\.{1,2})[\\/][^"&|<>]*?\.(exe|com|bat|cmd)\s+[^"]*"\s*$'))
                THEN regexp_replace(arguments, '(?i)^(.*?(?:^|\s)[/-](?:c|k|r|command))\s*"(.*)"\s*$', '\1 \2')
            ELSE arguments
        END,
        encoded
    ) AS arguments,
    regexp_matches(coalesce(encoded, arguments), '(?i)\b(iex|invoke-expression)\b') AS evaluates,
    regexp_extract(
        lower(concat_ws(' ; ', arguments, encoded)), '(?:(?:^|[\s"''&(;{])(?:cd|chdir)\s+(?:/d\s+)?|pushd\s+|(?:set-location|push-location|\ssl)\s+(?:-(?:literal)?path\s+)?|-wd\s+|-workingdirectory\s+|/d\s+)["'']?([a-z]:)(?:[\\/\s"'';&|)]|$)', 1
    ) = volume OR (form = 'letter' AND is_shell AND regexp_matches(lower(arguments), '(^|[\s"&(])' || regexp_escape(volume) || '\s*(&|$)'))
        OR (form = 'letter' AND list_contains(programs, 'forfiles') AND regexp_matches(lower(arguments), '/p\s+"?' || regexp_escape(volume)) AND regexp_matches(lower(arguments), '@(path|file)')) AS changes_directory
FROM classed
WHERE class IS NOT NULL;

-- The command behind cmd's if and for, and behind PowerShell's assignment.
CREATE OR REPLACE TEMP MACRO behind_condition(command) AS regexp_replace(regexp_replace(regexp_replace(command,
    '(?i)^(\s*(?:[/-][a-z]+(?::\w+)?\s+)*)[\s(@]*for\s.*?\sdo\s+\(?', '\1'),
    '(?i)^(\s*(?:[/-][a-z]+(?::\w+)?\s+)*)[\s(@]*if\s+(?:/i\s+)?(?:not\s+)?(?:exist\s+(?:"[^"]*"|[^\s"]+)|defined\s+\S+|(?:errorlevel|cmdextversion)\s+\d+|(?:"[^"]*"|[^\s"=]+)\s*==\s*(?:"[^"]*"|[^\s"]+)|\S+\s+(?:equ|neq|lss|leq|gtr|geq)\s+\S+)\s*\(?', '\1'),
    '^(\s*(?:[/-][A-Za-z]+\s+)*)\$\w+\s*=\s*', '\1');

-- wmic, sc and schtasks, told to act on another host.
CREATE OR REPLACE TEMP MACRO is_elsewhere(text, of_host) AS
    coalesce(NOT list_contains(['localhost', '127.0.0.1', '::1', '.', of_host, split_part(of_host, '.', 1)],
        nullif(concat(regexp_extract(text, '(?:^|\s)/node:\s*"?([^\s",]+)', 1), regexp_extract(text, '^\s*\\\\([^\s\\"]+)\s+(?:create|config)\s', 1),
            regexp_extract(text, '^\s*/create\s.*\s/s\s+"?([^\s"]+)', 1), regexp_extract(text, '^\s*(?:wmic|sc|schtasks)(?:\.exe)?\s+\\\\([^\s\\"]+)\s', 1)), '')), FALSE);

-- A relative file's place below the root of the volume.
CREATE OR REPLACE TEMP MACRO below_root(directory, volume, file) AS
    lower(ltrim(rtrim(substr(path_key(directory), length(volume) + 2), '\') || '\' || regexp_replace(replace(file, '/', '\'), '^(\.\\)+', ''), '\'));

CREATE OR REPLACE TEMP TABLE argument AS
WITH segment AS (
    SELECT * EXCLUDE (arguments), generate_subscripts(parts, 1) AS segment_number,
        CASE WHEN has_heads THEN behind_condition(behind_condition(unnest(parts))) ELSE unnest(parts) END AS text
    FROM (
        SELECT *,
            CASE WHEN is_shell THEN regexp_extract_all(
                    -- Blocks are commands of their own; the braces of a volume's GUID and of odbcconf's actions are none.
                    CASE WHEN has_heads AND NOT contains(lower(arguments), 'odbcconf') THEN regexp_replace(regexp_replace(regexp_replace(arguments, '(?i)\)\s*else\s*\(?', ' & ', 'g'),
                            '(^|[\s%)&"])\{', '\1 ; ', 'g'), '\}([\s;"|)]|$)', ' ; \1', 'g')
                        ELSE arguments END,
                    '(?:"[^"]*"|[^&|;"\n])+')
                ELSE [arguments] END AS parts
        FROM launcher
    )
),
word AS (
    SELECT *, generate_subscripts(words, 1) AS word_number, unnest(words) AS raw, unnest(list_prepend(NULL, words[:-2])) AS word_before
    FROM (SELECT *, regexp_extract_all(text, '[^\s"'']*(?:"[^"]*"|''[^'']*'')[^\s"'']*|[^\s"'']+') AS words FROM segment)
),
-- Quoted commands inside (forfiles /c "cmd /c ..."): split again where no path begins the quotes.
inner_word AS (
    SELECT * EXCLUDE (raw, parts), word_number * 1000 + generate_subscripts(parts, 1) AS place, ltrim(trim(unnest(parts), ' ,;(){}'), CASE WHEN has_heads THEN '@' ELSE '' END) AS token
    FROM (SELECT *, CASE
            WHEN contains(plain, ' ') AND NOT regexp_matches(plain, '(?i)^([\w-]+=)?([a-z]:|\\\\|\.{1,2}\\)')
                AND regexp_matches(plain, '(?i)(^|\s)[/-](c|k|command|file|i|s)\s|^(start|call|cmd|powershell|rundll32|regsvr32|mshta|wscript|cscript)\b')
                THEN list_append(string_split(plain, ' '), plain)
            ELSE [plain]
        END AS parts
        FROM (SELECT * EXCLUDE (parts), translate(raw, '"''', '') AS plain, raw[1] = '"' AS is_quoted FROM word))
),
turned AS (
    SELECT *, lag(token) OVER (PARTITION BY process_key, session_id, volume, segment_number ORDER BY place) AS token_before FROM inner_word
),
marked AS (
    SELECT *,
        token <> '' AND NOT regexp_matches(token, '^[/@-]') AND NOT list_contains(rule_words('passing_command'), program_of(token))
            -- The value of a shell's or of start's switch; the title that start is given.
            AND NOT (has_heads AND regexp_matches(lower(coalesce(token_before, '')), rule_pattern('shell_switch_with_value')))
            AND NOT (list_has_any(programs, rule_words('first_file_runs')) AND regexp_matches(lower(coalesce(token_before, '')), rule_pattern('interpreter_switch_with_value')))
            AND NOT (has_heads AND is_quoted AND lower(token_before) = 'start' AND NOT contains(token, ':')) AS may_be_head
    FROM turned
),
headed AS (
    SELECT *,
        min(place) FILTER (may_be_head) OVER segment AS head_place,
        min_by(program_of(token), place) FILTER (may_be_head) OVER segment AS head,
        min_by(token, place) FILTER (may_be_head) OVER segment AS head_token,
        bool_or(
            list_contains(rule_words('loader_any_extension'), program_of(token))
            AND NOT list_contains(rule_words('shell_program'), program_of(token))
        ) OVER segment AS gives_loader
    FROM marked
    WINDOW segment AS (PARTITION BY process_key, session_id, volume, segment_number)
),
-- The file that a loader runs: its first word that is no switch, behind a shell's head the first after that.
operated AS (
    SELECT * EXCLUDE (may_be_head),
        CASE WHEN NOT has_heads AND NOT is_shell THEN head_place
            WHEN list_contains(rule_words('loader_any_extension'), head) THEN min(place) FILTER (may_be_head AND place > head_place)
                OVER (PARTITION BY process_key, session_id, volume, segment_number) END AS operand_place,
        -- What follows is the data of a program given as a module or as text.
        has_heads = FALSE AND list_has_any(programs, rule_words('first_file_runs'))
            AND bool_or(regexp_matches(lower(token), '^(-m|-c|-e|--eval)$') AND place < coalesce(head_place, 9223372036854775807))
                OVER (PARTITION BY process_key, session_id, volume, segment_number) AS runs_no_file
    FROM headed
),
alive AS (
    SELECT *, place = operand_place AND NOT runs_no_file AS is_operand,
        -- The package may have any name.
        (list_contains(programs, 'msiexec') OR (has_heads AND coalesce(head = 'msiexec', FALSE)))
            AND regexp_matches(lower(coalesce(token_before, '')), '^[/-](package|update|uninstall|f?[ipxyza])$') AS is_package,
        -- cmd and PowerShell find the extension themselves.
        has_heads AND place = head_place AS is_head,
        is_head AND NOT coalesce(list_contains(['start', 'ii', 'invoke-item', 'explorer'], lower(token_before)), FALSE) AS is_command,
        CASE WHEN form = 'letter'
            THEN coalesce(
                nullif(regexp_extract(token, '(?i)(?:^|[^a-z0-9/]|file:/{2,3})(' || regexp_escape(volume) || '[\\/]+[^\\/\s"''&|;].*)$', 1), ''),
                -- E:file: relative to the drive's own directory, which is its root unless it was changed.
                regexp_replace(nullif(regexp_extract(
                    token, '(?i)^(' || regexp_escape(volume) || '[^\\/\s"''&|;:].*\.(?:' || array_to_string(rule_words('code_extension'), '|') || '))(?:,.*)?$', 1), ''), '^(..)', '\1\\')
            )
            ELSE nullif(regexp_extract(token, '(?i)(' || regexp_escape(volume) || '\\.+)$', 1), '')
        END AS on_volume,
        -- A path with blanks and without quotes: up to its first extension.
        CASE WHEN form = 'letter'
            THEN regexp_extract(text, '(?i)(?:^|[^a-z0-9/"])(' || regexp_escape(volume) || '[\\/]+[^\\/\s"''&|;][^"&|;]*?\.[a-z0-9]{1,5})(?:[\s,]|$)', 1)
        END AS unquoted,
        regexp_replace(token, '^([\w-]+=|@|[/-]+[A-Za-z]+:)', '') AS bare,
        starts_with(token, '@') OR regexp_matches(lower(token), rule_pattern('running_switch')) AS is_given,
        -- What a loader writes or is told, and what Windows opens by its association: run only where it is code.
        regexp_matches(lower(token), rule_pattern('data_switch')) OR regexp_matches(lower(coalesce(token_before, '')), rule_pattern('data_switch'))
            OR (regexp_matches(lower(text), rule_pattern('opening_export')) AND NOT regexp_matches(lower(text), '^\s*"?' || regexp_escape(volume))) AS is_code_only
    FROM operated
    WHERE token <> ''
        -- Dialogs and viewers of Windows that open the file they are given.
        AND NOT (regexp_matches(lower(text), rule_pattern('inert_export')) AND NOT regexp_matches(lower(text), '^\s*"?' || regexp_escape(volume)))
        AND NOT ((list_contains(programs, 'wmic') OR coalesce(head = 'wmic', FALSE)) AND NOT regexp_matches(lower(text), '\bcreate\b|/format:'))
        AND NOT ((list_contains(programs, 'netsh') OR coalesce(head = 'netsh', FALSE)) AND NOT regexp_matches(lower(text), '\badd\s+helper\b'))
        -- Services and tasks: what they are given to start; on another host it is that one's.
        AND NOT ((list_has_any(programs, ['sc', 'schtasks']) OR (has_heads AND coalesce(head IN ('sc', 'schtasks'), FALSE)))
            AND NOT regexp_matches(lower(concat(word_before, ' ', token)), '^/tr |^binpath= | binpath=.'))
        AND NOT is_elsewhere(lower(text), lower(host))
        AND NOT regexp_matches(token, '^[0-9]?>') AND NOT regexp_matches(coalesce(token_before, ''), '>$')
        AND NOT ((class = 'code' OR (has_heads AND list_contains(rule_words('loader_code_extension'), head))) AND len(list_filter(rule_words('inert_switch'), lambda x: contains(lower(text), x))) > 0)
        AND NOT (is_shell AND NOT evaluates AND coalesce(list_contains(rule_words('inert_command'), head), FALSE))
        AND NOT (has_heads AND NOT evaluates AND place IS DISTINCT FROM head_place AND NOT coalesce(
            list_contains(rule_words('loader_any_extension'), head) OR list_contains(rule_words('loader_code_extension'), head)
                OR regexp_matches(lower(text), rule_pattern('starting_call')), FALSE))
        -- Interpreters run their first file; what follows is its data. A file on another volume: nothing here is run.
        AND NOT coalesce(list_has_any(programs, rule_words('first_file_runs')) AND (runs_no_file OR (place > head_place AND NOT (
            (in_directory OR changes_directory) AND NOT regexp_matches(coalesce(head_token, ''), '^([A-Za-z]:\\|\\\\)|\.\w{1,5}$'))))
            -- Where Java and its like find code; the script that a script of Windows is given.
            AND NOT regexp_matches(lower(coalesce(token_before, '')), '^(-jar|-cp|-classpath|--?class-path|-p|--module-path|-r|--require|-javaagent.*)$')
            AND NOT (regexp_matches(lower(coalesce(head_token, '')), '^[a-z]:\\windows\\') AND list_contains(rule_words('script_extension'), extension_of(token))), FALSE)
        -- A method of .NET that is given a file: only those that load or start it.
        AND NOT (has_heads AND contains(token, '::') AND NOT regexp_matches(lower(token), 'load|::start|readall'))
),
target AS (
    SELECT process_key, session_id, volume, class, is_shell, evaluates, gives_loader, is_operand, is_package, is_head, is_command, is_code_only, current_directory, 'script_arg' AS kind,
        CASE WHEN extension_of(regexp_replace(on_volume, ',[^,\\]*$', '')) IS NULL AND unquoted <> '' AND starts_with(unquoted, on_volume)
            THEN unquoted ELSE on_volume END AS text
    FROM alive WHERE on_volume <> ''
    UNION ALL
    SELECT process_key, session_id, volume, class, is_shell, evaluates, gives_loader, coalesce(is_operand, FALSE) OR is_given, is_package, is_head, is_command, is_code_only, current_directory, 'relative_arg_cwd', bare
    FROM alive
    WHERE (in_directory OR changes_directory) AND class IN ('loader', 'code')
        AND NOT regexp_matches(bare, '^[/-]|^\\\\|^\\$|^[A-Za-z]:|[%$*?<>]|://|^(?i)hk(lm|cu|cr|u|ey)|^(?i)(java|j|vb)script:')
),
named AS (
    SELECT *, coalesce(
            nullif(regexp_extract(text, '(?i)^(.*?\.(?:' || array_to_string(rule_words('code_extension'), '|') || '))(?:[\s,:"|]|$)', 1), ''),
            regexp_replace(text, ',[^,\\]*$', '')
        ) AS file
    FROM target
)
SELECT DISTINCT n.process_key, n.session_id, n.volume, n.kind, n.file AS target, n.class, extension_of(n.file) AS extension
FROM named n
JOIN process p USING (process_key)
-- A loader's file as it is, or with the extension that LoadLibrary adds; a command with one of those that cmd tries.
LEFT JOIN (
    SELECT DISTINCT session_id, rel, regexp_replace(rel, '\.[^.\\]*$', '') AS stem, extension_of(rel) AS extension
    FROM (SELECT session_id, lower(path) AS rel FROM session_file WHERE shown)
) l ON n.kind = 'relative_arg_cwd' AND l.session_id = n.session_id AND extension_of(n.file) IS NULL
    AND l.stem = below_root(n.current_directory, n.volume, n.file)
    AND ((n.is_operand AND n.class = 'loader' AND (l.extension IS NULL OR l.extension = 'dll'))
        OR (n.is_head AND list_contains(rule_words('command_extension'), l.extension)))
WHERE (
        n.kind = 'script_arg' AND (n.evaluates OR NOT regexp_matches(substr(n.file, length(n.volume) + 1), '[*?]'))
        AND CASE
            WHEN n.class = 'loader' AND n.is_shell
                THEN list_contains(rule_words('code_extension'), extension_of(n.file)) OR n.evaluates OR n.gives_loader
                    OR (n.is_command AND extension_of(n.file) IS NULL)
            WHEN n.class = 'loader' THEN NOT n.is_code_only OR list_contains(rule_words('code_extension'), extension_of(n.file))
            WHEN n.class = 'code' THEN list_contains(rule_words('code_extension'), extension_of(n.file)) OR n.is_package OR n.gives_loader
            WHEN n.class = 'office' THEN list_contains(rule_words('macro_extension'), extension_of(n.file))
            ELSE extension_of(n.file) IS NOT NULL
        END
    )
    OR (
        n.kind = 'relative_arg_cwd'
        AND (NOT n.is_code_only OR list_contains(rule_words('code_extension'), extension_of(n.file)))
        AND (
            list_contains(rule_words('code_extension'), extension_of(n.file))
            OR (regexp_matches(n.file, '^\.{1,2}\\|[^\\]\\[^\\]') AND extension_of(n.file) IS NOT NULL AND ((n.class = 'loader' AND NOT n.is_shell) OR n.gives_loader OR n.evaluates))
            -- What a loader runs may have any name; without an extension it is a file that the image lists.
            OR (((n.is_operand AND n.class = 'loader') OR n.is_package) AND regexp_matches(n.file, '\.[\w~-]{1,16}$') AND NOT regexp_matches(n.file, '[()=;{}]'))
            OR ((n.is_command OR (n.is_operand AND NOT n.is_shell)) AND regexp_matches(n.file, '^\.{1,2}\\[^\\]|[^\\.]\\[^\\]') AND extension_of(n.file) IS NULL)
            OR l.session_id IS NOT NULL
        )
        AND NOT (
            NOT contains(n.file, '\')
            AND (
                list_contains(rule_words('system_module'), lower(n.file))
                OR (
                    list_contains(['exe', 'com'], extension_of(n.file))
                    AND list_contains(list_concat(rule_words('loader_any_extension'), rule_words('loader_code_extension'),
                        rule_words('discovery_program'), rule_words('inert_command')), program_of(n.file))
                )
            )
        )
    );

-- Bare names of the host's own programs and modules are found in Windows' folders first.
CREATE OR REPLACE TEMP TABLE windows_name AS
SELECT DISTINCT host, lower(file_name(path)) AS name FROM process WHERE path ILIKE '_:\windows\%' AND host IN (SELECT host FROM process_volume)
UNION
SELECT DISTINCT host, lower(file_name(image_loaded)) FROM timed('sysmon_image_load') WHERE image_loaded ILIKE '_:\windows\%' AND host IN (SELECT host FROM process_volume);

CREATE OR REPLACE TEMP TABLE ran AS
WITH kind AS (
    SELECT v.process_key, v.session_id, v.volume, 'image_on_volume' AS kind, p.path AS target, 1 AS rank,
        CASE WHEN v.ground = 'device' THEN rule_value('c_run_on_volume') ELSE rule_value('c_run_on_volume_inferred') END AS confidence,
        'program lies on ' || upper(v.volume) AS basis
    FROM process_volume v
    JOIN process p USING (process_key)
    WHERE volume_quick(p.path) = v.volume
    UNION ALL
    SELECT a.process_key, a.session_id, a.volume, a.kind, a.target,
        CASE WHEN a.kind = 'script_arg' THEN 2 ELSE 3 END,
        CASE
            WHEN a.kind = 'relative_arg_cwd' THEN rule_value('c_relative_arg')
            WHEN a.class = 'office' THEN rule_value('c_script_arg_office')
            WHEN a.class = 'viewer' THEN rule_value('c_script_arg_viewer')
            ELSE rule_value('c_script_arg')
        END,
        CASE WHEN a.kind = 'script_arg' THEN 'argument ' || a.target || ' lies on ' || upper(a.volume)
            ELSE 'argument ' || a.target || ' is relative, the working directory lies on ' || upper(a.volume) END
    FROM argument a
    JOIN process p USING (process_key)
    LEFT JOIN windows_name w ON w.host = p.host AND w.name = lower(a.target)
        AND a.kind = 'relative_arg_cwd' AND NOT contains(a.target, '\')
    WHERE w.name IS NULL
)
SELECT process_key, session_id, any_value(volume) AS volume, min_by(kind, rank) AS kind, min_by(target, rank) AS target,
    min_by(confidence, rank) AS confidence,
    string_agg(DISTINCT basis, '; ') AS basis
FROM (SELECT * FROM kind ORDER BY rank, target)
GROUP BY process_key, session_id;

-- Loads of modules on the volume.
CREATE OR REPLACE TEMP TABLE loaded AS
WITH load AS (
    SELECT m.host, m.mono_ns, m.happened_utc, m.image, m.image_loaded, m.process_id, m.process_guid, m."user", m.signed, m.signature_status,
        filled(m.hashes) AS hashes, 'sysmon_image_load' AS table_name, m.source_id, m.record_offset, volume_quick(m.image_loaded) AS module_volume
    FROM sysmon_timed('sysmon_image_load') m
    WHERE path_key(m.image_loaded) <> path_key(m.image)
        AND (m.host, volume_quick(m.image_loaded)) IN (SELECT (host, volume) FROM session_volume)
    UNION ALL
    SELECT host, stamp_ns(host, timestamp_utc), timestamp_utc, initiating_process_folder_path, folder_path, initiating_process_id, NULL,
        filled(concat_ws('\', filled(initiating_process_account_domain), filled(initiating_process_account_name))), NULL, NULL,
        filled(concat_ws(',', 'SHA256=' || filled(sha256), 'SHA1=' || filled(sha1), 'MD5=' || filled(md5))), 'mde_device_image_load_events', source_id, row_address, volume_quick(folder_path)
    FROM mde_device_image_load_events
    WHERE timestamp_utc IS NOT NULL AND path_key(folder_path) <> path_key(initiating_process_folder_path)
        AND (host, volume_quick(folder_path)) IN (SELECT (host, volume) FROM session_volume)
    UNION ALL
    -- Loaded at the latest when the program crashed.
    SELECT host, stamp_ns(host, event_utc), event_utc, app_path, module_path, pid, NULL, NULL, NULL, NULL, NULL, 'wer_module', source_id, "offset", volume_quick(module_path)
    FROM wer_module
    WHERE event_utc IS NOT NULL AND path_key(module_path) <> path_key(app_path)
        AND (host, volume_quick(module_path)) IN (SELECT (host, volume) FROM session_volume)
),
by_guid AS (
    SELECT l.source_id, l.record_offset, min(p.process_key) AS process_key
    FROM load l
    JOIN process p ON p.host = l.host AND p.process_guid = guid_key(l.process_guid)
    GROUP BY ALL
),
by_pid AS (
    SELECT l.source_id, l.record_offset, p.process_key
    FROM load l
    ASOF JOIN process p ON p.host = l.host AND p.pid = l.process_id AND l.mono_ns >= p.start_ns - rule_ns('same_act_s')
    WHERE p.end_ns IS NULL OR l.mono_ns <= p.end_ns + rule_ns('same_act_s')
)
SELECT l.host, l.source_id, l.table_name, l.record_offset, l.hashes, l.mono_ns, l.happened_utc AS time_utc, l.image, l.image_loaded, l.process_id,
    guid_key(l.process_guid) AS process_guid, l."user" AS user_name,
    CASE WHEN l.signed IS NULL THEN NULL ELSE l.signed AND coalesce(l.signature_status, 'Valid') = 'Valid' END AS signed,
    coalesce(g.process_key, p.process_key) AS process_key, v.session_id, v.volume, v.ground, v.shares
FROM load l
JOIN session_volume v ON v.host = l.host AND v.volume = l.module_volume
    AND l.mono_ns >= v.open_ns - rule_ns('same_act_s') AND l.mono_ns <= v.end_ns + rule_ns('same_act_s')
LEFT JOIN by_guid g USING (source_id, record_offset)
LEFT JOIN by_pid p USING (source_id, record_offset)
-- Touching sessions: the one that holds the load strictly; a module loaded again is one.
QUALIFY row_number() OVER (
    PARTITION BY l.host, coalesce(g.process_key, p.process_key, l.process_id::VARCHAR), v.session_id, path_key(l.image_loaded)
    ORDER BY l.mono_ns
) = 1
    AND (l.mono_ns BETWEEN v.open_ns AND v.end_ns OR NOT bool_or(l.mono_ns BETWEEN v.open_ns AND v.end_ns) OVER (
        PARTITION BY l.source_id, l.record_offset
    ));

-- Programs and modules whose bytes are not those of the image's file at their path.
CREATE OR REPLACE TEMP TABLE unlike_listed AS
WITH ran_file AS (
    SELECT r.session_id, r.process_key AS subject, substr(path_key(r.target), length(r.volume) + 2) AS rel, p.hashes
    FROM ran r
    JOIN process p USING (process_key)
    WHERE r.kind = 'image_on_volume' AND p.hashes IS NOT NULL
    UNION ALL
    SELECT session_id, source_id || '|' || record_offset, substr(path_key(image_loaded), length(volume) + 2), hashes
    FROM loaded WHERE hashes IS NOT NULL
),
told AS (
    SELECT subject, session_id, lower(part[1]) AS method, lower(part[2]) AS hash, rel
    FROM (SELECT subject, session_id, rel, string_split(trim(unnest(string_split(hashes, ','))), '=') AS part FROM ran_file)
)
SELECT t.subject, t.session_id
FROM told t
JOIN session_file f ON f.session_id = t.session_id AND f.shown AND lower(f.path) = t.rel
WHERE CASE t.method WHEN 'sha256' THEN lower(f.sha256) WHEN 'sha1' THEN lower(f.sha1) WHEN 'md5' THEN lower(f.md5) END IS NOT NULL
GROUP BY t.subject, t.session_id
HAVING NOT bool_or(t.hash = CASE t.method WHEN 'sha256' THEN lower(f.sha256) WHEN 'sha1' THEN lower(f.sha1) WHEN 'md5' THEN lower(f.md5) END);

-- Script blocks (PowerShell 4104) whose file lies on the volume, where no start of a process tells the same.
CREATE OR REPLACE TEMP TABLE script_run AS
WITH block AS (
    SELECT b.host, b.mono_ns, b.time_utc, b."path" AS file, volume_quick(b."path") AS volume, b.execution_process_id AS pid,
        b.user_sid, b.source_id, b.record_offset
    FROM timed('powershell_script_block') b
    WHERE b."path" IS NOT NULL AND b."path" <> ''
),
placed AS (
    SELECT b.*, v.session_id, v.ground, v.shares
    FROM block b
    JOIN session_volume v ON v.host = b.host AND v.volume = b.volume AND b.mono_ns BETWEEN v.open_ns AND v.end_ns
    QUALIFY row_number() OVER (PARTITION BY b.host, v.session_id, b.pid, path_key(b.file) ORDER BY b.mono_ns) = 1
),
owner AS (
    SELECT b.source_id, b.record_offset, p.process_key
    FROM block b
    ASOF JOIN process p ON p.host = b.host AND p.pid = b.pid AND b.mono_ns >= p.start_ns
    WHERE p.end_ns IS NULL OR b.mono_ns <= p.end_ns
)
SELECT b.*, o.process_key,
    short_hash(concat_ws('|', 'script', b.session_id, b.host, b.pid, path_key(b.file), b.mono_ns)) AS execution_id
FROM placed b
LEFT JOIN owner o USING (source_id, record_offset)
ANTI JOIN ran r ON r.process_key = o.process_key AND r.session_id = b.session_id;

INSERT INTO execution BY NAME
SELECT b.execution_id, b.session_id, b.host, s.image_path, b.time_utc, 'script_arg' AS kind, p.path AS process_path, p.command_line,
    b.pid, p.process_guid, p.parent_path, p.user_name, 'PowerShell 4104: script ' || b.file || ' lies on ' || upper(b.volume) AS basis,
    rule_value('c_script_block') / b.shares AS confidence, b.file AS target, b.process_key, p.integrity
FROM script_run b
JOIN session s USING (session_id)
LEFT JOIN process p USING (process_key);

INSERT INTO execution BY NAME
SELECT short_hash(concat_ws('|', 'execution', r.session_id, r.process_key)) AS execution_id, r.session_id, p.host, s.image_path,
    p.started_utc AS time_utc, r.kind, p.path AS process_path, p.command_line, p.pid, p.process_guid, p.parent_path, p.user_name,
    r.basis || CASE WHEN v.ground = 'ambiguous' THEN '; volume ambiguous' ELSE '; volume: ' || v.basis END
        || CASE WHEN u.subject IS NOT NULL THEN '; its hash is not that of the image''s file of that path' ELSE '' END AS basis,
    r.confidence / v.shares * CASE WHEN u.subject IS NOT NULL THEN rule_value('unlike_listed_factor') ELSE 1 END AS confidence,
    r.target, r.process_key, p.integrity, NULL::BOOLEAN AS signed
FROM ran r
JOIN process p USING (process_key)
JOIN session s USING (session_id)
JOIN session_volume v ON v.session_id = r.session_id AND v.volume = r.volume
LEFT JOIN unlike_listed u ON u.session_id = r.session_id AND u.subject = r.process_key;

INSERT INTO execution BY NAME
SELECT short_hash(concat_ws('|', 'module', l.session_id, coalesce(l.process_key, l.process_id::VARCHAR), path_key(l.image_loaded))) AS execution_id,
    l.session_id, l.host, s.image_path, l.time_utc, 'module_on_volume' AS kind, canonical(l.image) AS process_path, p.command_line,
    l.process_id AS pid, l.process_guid, p.parent_path, coalesce(p.user_name, filled(l.user_name)) AS user_name,
    'module ' || l.image_loaded || ' lies on ' || upper(l.volume)
        || CASE WHEN l.table_name = 'wer_module' THEN '; loaded when the program crashed (error report)' ELSE '' END
        || CASE WHEN u.subject IS NOT NULL THEN '; its hash is not that of the image''s file of that path' ELSE '' END AS basis,
    rule_value('c_module_on_volume') / l.shares * CASE WHEN u.subject IS NOT NULL THEN rule_value('unlike_listed_factor') ELSE 1 END AS confidence, l.image_loaded AS target, l.process_key, p.integrity, l.signed
FROM loaded l
JOIN session s USING (session_id)
LEFT JOIN unlike_listed u ON u.session_id = l.session_id AND u.subject = l.source_id || '|' || l.record_offset
LEFT JOIN process p USING (process_key);
