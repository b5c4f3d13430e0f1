-- volume_use (temporary): each use of a volume that is not the system's, with its place on the clock.
-- Solid uses (programs, modules, files and objects on it, images that lie on it): the medium was there. Spoken ones
-- (working directories, arguments, files that Defender names): somebody named it.
-- From process, Sysmon 2, 7, 11, 23, 26, Security 4656/4663, PowerShell 4104, prefetch, Defender, shortcuts, shellbags, image_event,
-- named_file (browsers' file addresses, lists of opened files of Office, other programs and dialogs, typed paths, the Windows timeline).
-- path_alias: letters of SUBST and mountvol, mount folders. network_letter: letters that are no volume's own: mapped network drives, SUBST.
-- Misses: letters that nothing used; several aliases in one line; letters that pushd gave where none is named.
CREATE OR REPLACE TEMP MACRO volume_quick(path) AS
    CASE WHEN path[2] = ':' THEN lower(left(path, 2)) ELSE volume_of(path) END;

-- Letters that a command line names: e:\x, /i:e:\x, file:///e:/x, cmd /ce:\x, msiexec /ie:\x; not https://host/e:/x.
CREATE OR REPLACE TEMP MACRO letters_of(line) AS
    list_distinct(regexp_extract_all(lower(line), '(?:^|[^a-z0-9/]|file:/{2,3}|\s[/-](?:package|f?[ipxyza]|[ckr]))([a-z]:)[\\/]+[^\\/\s"''&|;]', 1));

-- Letters whose root it makes the working directory: cd /d e:\, Set-Location e:, start /d e:\.
CREATE OR REPLACE TEMP MACRO entered_letters(line) AS
    CASE WHEN contains(lower(line), 'cd ') OR contains(lower(line), 'chdir ') OR contains(lower(line), 'pushd ') OR contains(lower(line), 'location ')
            OR contains(lower(line), ' sl ') OR contains(lower(line), 'directory ') OR contains(lower(line), '/d ') OR contains(lower(line), '-wd ')
        THEN list_distinct(regexp_extract_all(lower(line), '(?:(?:^|[\s"''&(;{])(?:cd|chdir)\s+(?:/d\s+)?|pushd\s+|(?:set-location|push-location|\ssl)\s+(?:-(?:literal)?path\s+)?|-wd\s+|-workingdirectory\s+|\bstart\s+(?:""\s+)?/d\s+)["'']?([a-z]:)(?:[\\/\s"'';&|)]|$)', 1))
        ELSE [] END;

-- Devices and volumes that it names: \device\cdrom0\x, \\?\volume{guid}\x.
CREATE OR REPLACE TEMP MACRO devices_of(line) AS
    list_distinct(regexp_extract_all(lower(line), '(\\device\\[a-z]+[0-9]+|\\\\\?\\volume\{[0-9a-f-]+\})\\[^\\/\s"''&|;]', 1));

-- Other names of a folder or volume: letters that SUBST gives, and folders that volumes are mounted into (the path that the kernel
-- names is on the device, the command line has the folder).
CREATE OR REPLACE TEMP TABLE path_alias AS
SELECT host, start_ns AS from_ns, lower(part.letter) AS alias, rtrim(part.target, '\') AS target, 'subst' AS how, process_key
FROM (
    SELECT host, start_ns, process_key, regexp_extract(command_line, '(?i)\bsubst(?:\.exe)?"?\s+"?([a-z]:)"?\s+"?([a-z]:\\[^"&|]*)', ['letter', 'target']) AS part
    FROM process WHERE command_line ILIKE '%subst%'
)
WHERE part.letter <> ''
UNION ALL
SELECT host, start_ns, lower(left(named, length(named) - length(rel))), device, 'folder', process_key
FROM (
    SELECT host, start_ns, process_key, regexp_extract(command_line, '^"?([A-Za-z]:\\[^"]*)', 1) AS line,
        regexp_extract(path, '(?i)^(\\device\\harddiskvolume[0-9]+)(\\.+)$', 1) AS device, regexp_extract(path, '(?i)^(\\device\\harddiskvolume[0-9]+)(\\.+)$', 2) AS rel,
        left(line, strpos(lower(line), lower(rel)) + length(rel) - 1) AS named
    FROM process WHERE path ILIKE '\device\harddiskvolume%' AND command_line IS NOT NULL
)
WHERE rel <> '' AND strpos(lower(line), lower(rel)) > 3
UNION ALL
-- mountvol gives a volume a letter or a folder.
SELECT host, start_ns, lower(rtrim(part.place, '\')), lower(part.volume), 'mountvol', process_key
FROM (
    SELECT host, start_ns, process_key, regexp_extract(command_line, '(?i)\bmountvol(?:\.exe)?"?\s+"?([a-z]:[^"]*?)"?\s+"?(\\\\\?\\volume\{[0-9a-f-]+\})', ['place', 'volume']) AS part
    FROM process WHERE command_line ILIKE '%mountvol%'
)
WHERE part.place <> '';

-- Command lines, the device \\.\CDROM0 in its usual spelling, a volume's administrative share on the host itself as the letter, aliases
-- as what they stand for, with the text of -EncodedCommand behind them: base64 of UTF-16LE, the low bytes of its characters.
CREATE OR REPLACE TEMP TABLE command_text AS
WITH spelled AS (
    SELECT process_key, host, start_ns, path, original_file_name,
        CASE WHEN contains(line, '$\') THEN regexp_replace(
                line, '(?i)\\\\(?:localhost|127\.[0-9]+\.[0-9]+\.[0-9]+|' || regexp_escape(host) || ')\\([a-z])\$\\', '\1:\\', 'g')
            ELSE line END AS command_line
    FROM (SELECT *, CASE
            -- Linux's names of Windows' drives.
            WHEN contains(command_line, '/mnt/') THEN regexp_replace(command_line, '(^|[\s"''=])/mnt/([a-z])/', '\1\2:/', 'g')
            WHEN lower(right(path, 9)) = '\bash.exe' OR lower(right(path, 7)) = '\sh.exe' THEN regexp_replace(command_line, '(^|[\s"''])/([a-z])/', '\1\2:/', 'g')
            ELSE regexp_replace(command_line, '(?i)\\\\[.?]\\(cdrom[0-9]+)\\', '\\Device\\\1\\', 'g') END AS line FROM process WHERE command_line IS NOT NULL)
),
known AS (
    SELECT s.*, a.alias, a.target
    FROM spelled s
    LEFT JOIN path_alias a ON a.host = s.host AND a.from_ns <= s.start_ns AND contains(lower(s.command_line), a.alias || '\')
    QUALIFY row_number() OVER (PARTITION BY s.process_key ORDER BY a.from_ns DESC) = 1
)
SELECT process_key, host, start_ns, command_line AS plain, concat_ws(' ; ', command_line, encoded) AS line, encoded
FROM (
    SELECT process_key, host, start_ns,
        CASE WHEN alias IS NULL THEN command_line
            ELSE regexp_replace(command_line, '(?i)(^|[^a-z0-9])' || regexp_escape(alias) || '\\', '\1' || replace(target, '\', '\\') || '\\', 'g') END AS command_line,
        CASE
            WHEN command_line ILIKE '% -e%' AND list_has_any([program_of(path), program_of(original_file_name)], ['powershell', 'pwsh'])
                THEN try(decode(unhex(regexp_replace(
                    hex(from_base64(nullif(regexp_extract(command_line, '(?i)\s-e[a-z]*\s+([A-Za-z0-9+/]{8,}=*)', 1), ''))),
                    '([0-9A-F]{2})([0-9A-F]{2})', '\1', 'g'
                ))))
        END AS encoded
    FROM known
);

CREATE OR REPLACE TEMP TABLE named_file AS
SELECT host, replace(path, '/', '\') AS path, opened_utc, source_id, table_name, record_offset
FROM (
    SELECT host, try(url_decode(regexp_extract(url, '(?i)^file:/+([a-z]:/.*)$', 1))) AS path, visited_utc AS opened_utc, source_id, 'browser_visit' AS table_name, row_id AS record_offset
    FROM browser_visit WHERE url ILIKE 'file:%'
    UNION ALL
    SELECT host, "path", opened_utc, source_id, 'office_doc', "offset" FROM office_doc WHERE kind IN ('file', 'place')
    UNION ALL
    SELECT host, "path", opened_utc, source_id, 'program_recent_file', "offset" FROM program_recent_file
    UNION ALL
    SELECT host, "path", opened_utc, source_id, 'open_save_mru', "offset" FROM open_save_mru
    UNION ALL
    SELECT host, "path", opened_utc, source_id, 'typed_path', "offset" FROM typed_path
    UNION ALL
    SELECT host, content_path, start_utc, source_id, 'timeline_activity', row_id FROM timeline_activity
    UNION ALL
    -- What Explorer opened, as Defender logs it; opening is no run.
    SELECT host, remote_url, timestamp_utc, source_id, 'mde_device_events', row_address FROM mde_device_events WHERE action_type = 'BrowserLaunchedToOpenUrl'
)
WHERE host IS NOT NULL AND opened_utc IS NOT NULL AND path LIKE '_:%';

CREATE OR REPLACE TEMP TABLE volume_use AS
WITH path_use AS (
    SELECT host, volume_quick(path) AS volume, path, start_ns AS mono_ns, started_utc AS time_utc, TRUE AS solid, 'program' AS what,
        coalesce(sysmon_source_id, security_source_id, mde_source_id) AS source_id,
        CASE WHEN sysmon_source_id IS NOT NULL THEN 'sysmon_process_create' WHEN security_source_id IS NOT NULL THEN 'security_process_create'
            ELSE 'mde_device_process_events' END AS table_name,
        coalesce(sysmon_offset, security_offset, mde_row) AS record_offset
    FROM process
    UNION ALL
    SELECT p.host, p.volume, NULL, p.start_ns, p.started_utc, FALSE, 'working directory',
        p.sysmon_source_id, 'sysmon_process_create', p.sysmon_offset
    FROM (SELECT *, volume_quick(current_directory) AS volume FROM process WHERE current_directory IS NOT NULL) p
    -- Nearly all are the system's: told apart before the parents are looked up.
    ANTI JOIN system_drive d ON d.host = p.host AND d.volume = p.volume
    LEFT JOIN process q ON q.process_key = p.parent_key
    -- Inherited from the parent: says nothing of its own.
    WHERE p.volume IS DISTINCT FROM volume_quick(q.current_directory)
    UNION ALL
    SELECT p.host, t.volume, NULL, p.start_ns, p.started_utc, FALSE, 'argument',
        coalesce(p.sysmon_source_id, p.security_source_id, p.mde_source_id),
        CASE WHEN p.sysmon_source_id IS NOT NULL THEN 'sysmon_process_create' WHEN p.security_source_id IS NOT NULL THEN 'security_process_create'
            ELSE 'mde_device_process_events' END,
        coalesce(p.sysmon_offset, p.security_offset, p.mde_row)
    FROM (
        SELECT process_key, host, unnest(list_distinct(list_concat(letters_of(line), entered_letters(line), devices_of(line)))) AS volume
        FROM command_text
    ) t
    ANTI JOIN system_drive d ON d.host = t.host AND d.volume = t.volume
    JOIN process p USING (process_key)
    UNION ALL
    SELECT host, volume_quick(image_loaded), image_loaded, mono_ns, happened_utc, TRUE, 'module', source_id, 'sysmon_image_load', record_offset
    FROM sysmon_timed('sysmon_image_load')
    UNION ALL
    SELECT host, volume_quick(target_filename), target_filename, mono_ns, happened_utc, TRUE, 'written', source_id, 'sysmon_file_create', record_offset
    FROM sysmon_timed('sysmon_file_create')
    UNION ALL
    SELECT host, volume_quick(target_filename), target_filename, mono_ns, happened_utc, TRUE, 'written', source_id, 'sysmon_file_delete', record_offset
    FROM sysmon_timed('sysmon_file_delete')
    UNION ALL
    SELECT host, volume_quick(object_name), object_name, mono_ns, time_utc, TRUE, 'object', source_id, 'security_object_access', record_offset
    FROM timed('security_object_access')
    UNION ALL
    SELECT host, volume_quick("path"), "path", mono_ns, time_utc, TRUE, 'script', source_id, 'powershell_script_block', record_offset
    FROM timed('powershell_script_block') WHERE "path" <> ''
    UNION ALL
    -- The same device path in prefetch: valid for that run of the system.
    SELECT r.host, volume_quick(r.own_device_path), r.own_device_path, stamp_ns(r.host, r.run_utc), r.run_utc, TRUE, 'program', r.source_id, 'prefetch_run', r."offset"
    FROM prefetch_run r
    JOIN prefetch p USING (source_id)
    WHERE r.own_device_path ILIKE '\device\cdrom%' AND p.own_volume_created_utc IS NULL
    UNION ALL
    -- A verdict comes after the scan, perhaps after the end: the name of a file, no proof that its medium is there.
    SELECT host, regexp_extract(lower("path"), 'file:_([a-z]:)\\', 1), NULL, mono_ns, time_utc, FALSE, 'scanned file', source_id,
        'defender_detection', record_offset
    FROM timed('defender_detection')
    UNION ALL
    -- Shortcuts keep the volume they were made on; folder views only the letter.
    SELECT host, lower(left(local_path, 2)), local_path, stamp_ns(host, time_utc), time_utc, TRUE, 'shortcut', source_id, 'lnk', record_offset
    FROM shortcut_time WHERE time_utc IS NOT NULL
    UNION ALL
    SELECT host, lower(left(local_path, 2)), local_path, stamp_ns(host, last_accessed_utc), last_accessed_utc, TRUE, 'jump list', source_id, 'jumplist_entry', "offset"
    FROM jumplist_entry WHERE local_path LIKE '_:%' AND volume_serial IS NOT NULL AND last_accessed_utc IS NOT NULL AND drive_type IN ('CD-ROM', 'fixed')
    UNION ALL
    SELECT host, lower(drive), NULL, stamp_ns(host, time_utc), time_utc, FALSE, 'folder view', source_id, 'shellbag', "offset"
    FROM (SELECT *, unnest(list_distinct([opened_utc, first_opened_utc])) AS time_utc FROM shellbag WHERE drive IS NOT NULL)
    WHERE time_utc IS NOT NULL
    UNION ALL
    -- Files that programs list as opened, addresses of files in browsers, folders typed into Explorer: somebody named the letter then.
    SELECT host, lower(left(path, 2)), path, stamp_ns(host, opened_utc), opened_utc, FALSE, 'opened file', source_id, table_name, record_offset
    FROM named_file WHERE path LIKE '_:\_%'
    UNION ALL
    SELECT host, lower(left(path, 2)), NULL, stamp_ns(host, opened_utc), opened_utc, FALSE, 'opened folder', source_id, table_name, record_offset
    FROM named_file WHERE regexp_matches(path, '^[A-Za-z]:\\?$')
    UNION ALL
    SELECT host, volume_quick(target_filename), target_filename, mono_ns, happened_utc, TRUE, 'written', source_id, 'sysmon_file_time', record_offset
    FROM sysmon_timed('sysmon_file_time')
    UNION ALL
    -- An image that lies on another one: that one's letter, never its own.
    SELECT host, volume_quick(path), path, mono_ns, time_utc, TRUE, 'image', source_id, 'vhdmp', record_offset
    FROM image_event WHERE event_id IN (1, 12) AND succeeded AND NOT info_only
)
SELECT u.*, b.boot_number,
    CASE
        WHEN u.volume LIKE '_:' THEN 'letter'
        WHEN u.volume LIKE '\device\cdrom%' THEN 'cdrom'
        WHEN u.volume LIKE '\device\%' THEN 'harddisk'
        ELSE 'guid'
    END AS form
FROM (
    SELECT p.* FROM path_use p
    LEFT JOIN system_drive d ON d.host = p.host AND d.volume = p.volume
    LEFT JOIN mft_volume m ON m.host = p.host AND m.volume = p.volume
    WHERE p.volume IS NOT NULL AND p.volume <> '' AND d.volume IS NULL AND m.volume IS NULL
) u
ASOF LEFT JOIN boot b ON b.host = u.host AND u.mono_ns >= b.start_ns;

-- Letters of network drives: mapped by net use, by the registry, or with a share behind the program's own directory.
-- Since and until when, and whose: NULL where only a state tells of it. They are one logon's: others may have an image there.
CREATE OR REPLACE TEMP TABLE network_letter AS
WITH script AS (
    SELECT host, start_ns AS mono_ns, command_line AS text, user_name FROM process WHERE command_line ILIKE '%new-psdrive%' OR command_line ILIKE '%new-smbmapping%'
    UNION ALL
    SELECT host, mono_ns, script_block_text, NULL FROM timed('powershell_script_block') WHERE script_block_text ILIKE '%new-psdrive%' OR script_block_text ILIKE '%new-smbmapping%'
),
mapped AS (
    SELECT host, lower(regexp_extract(text, '(?i)new-psdrive\b[^;|\n]*?-name\s+["'']?([a-z])["'']?(?:\s|$)', 1)) || ':' AS volume, mono_ns AS from_ns, user_name
    FROM script WHERE regexp_matches(text, '(?i)new-psdrive\b[^;|\n]*?-name\s+["'']?[a-z]["'']?(\s|$)') AND regexp_matches(text, '(?i)new-psdrive\b[^;|\n]*-root\s+["'']?\\\\')
    UNION
    SELECT host, lower(regexp_extract(text, '(?i)new-smbmapping\b[^;|\n]*?-localpath\s+["'']?([a-z]:)', 1)), mono_ns, user_name
    FROM script WHERE regexp_matches(text, '(?i)new-smbmapping\b[^;|\n]*?-localpath\s+["'']?[a-z]:')
    UNION
    SELECT a.host, a.alias, a.from_ns, p.user_name FROM path_alias a JOIN process p USING (process_key) WHERE a.how = 'subst'
    UNION
    SELECT host, lower(letter) AS volume, NULL, NULL FROM network_drive WHERE kind = 'mapped' AND letter IS NOT NULL
    UNION
    SELECT host, lower(regexp_extract(target_object, '(?i)\\Network\\([a-z])\\RemotePath$', 1)) || ':', mono_ns, NULL
    FROM timed('sysmon_registry') WHERE target_object ILIKE '%\network\_\remotepath'
    UNION
    SELECT host, lower(regexp_extract(command_line, '(?i)\bnet1?(?:\.exe)?"?\s+use\s+"?([a-z]:)"?\s+"?\\\\', 1)), start_ns, user_name
    FROM process WHERE regexp_matches(command_line, '(?i)\bnet1?(?:\.exe)?"?\s+use\s+"?[a-z]:"?\s+"?\\\\')
    UNION
    SELECT host, lower(left(current_directory, 2)), NULL, user_name
    FROM process
    WHERE starts_with(path, '\\') AND current_directory LIKE '_:\%' AND length(current_directory) > 3
        AND contains(path_key(path), substr(rtrim(path_key(current_directory), '\'), 3) || '\')
    UNION
    SELECT host, lower(regexp_extract(command_line, '(?i)^"?([a-z]:)\\', 1)), NULL, user_name
    FROM process
    WHERE starts_with(path, '\\') AND regexp_matches(command_line, '(?i)^"?[a-z]:\\')
        AND ends_with(path_key(path), nullif(lower(regexp_extract(command_line, '(?i)^"?[a-z]:(\\[^"]*?\.[a-z]+)', 1)), ''))
),
unmapped AS (
    SELECT host, start_ns AS mono_ns, lower(regexp_extract(command_line, '(?i)(?:\buse|\bsubst(?:\.exe)?"?)\s+"?([a-z]:|\*)', 1)) AS volume
    FROM process WHERE contains(lower(command_line), ' /d') AND regexp_matches(command_line, '(?i)\b(net1?(\.exe)?"?\s+use|subst(\.exe)?"?)\s+"?([a-z]:|\*).*\s/d')
)
SELECT m.host, m.volume, m.from_ns, lower(m.user_name) AS user_name, min(u.mono_ns) AS to_ns
FROM mapped m
LEFT JOIN unmapped u ON u.host = m.host AND u.volume IN (m.volume, '*') AND u.mono_ns >= m.from_ns
GROUP BY ALL;
