-- seen_link: openings of shortcuts (LNK) that lie on another volume than C:, from every log that shows one.
-- Defender's BrowserLaunchedToOpenUrl; Security 4663 on the file; a command line that names it; and a start by Explorer
-- with the very target and arguments of a shortcut listed in an image that was mounted on that host at that moment.
-- volume: 'e:' or '\device\cdrom0', lower case; the key to what lies on it. ground: which of the four it is.
-- Misses: double clicks where the image is not in the evidence and neither Defender nor object auditing saw the file.
WITH told AS (
  SELECT
    timestamp_utc AS time_utc, host,
    replace(regexp_replace(remote_url, '(?i)^file:/{2,3}', ''), '/', '\') AS path,
    'Defender: opened' AS ground, 'mde_device_events' AS log, source_id, row_address::VARCHAR AS row_address
  FROM mde_device_events
  WHERE action_type = 'BrowserLaunchedToOpenUrl' AND ends_with(lower(remote_url), '.lnk')
  QUALIFY row_number() OVER (
    PARTITION BY device_name, timestamp_utc, report_id, remote_url ORDER BY source_id, row_address
  ) = 1
  UNION ALL
  SELECT
    time_utc, host, object_name, 'Security 4663: file read',
    'security_object_access', source_id, record_offset::VARCHAR
  FROM security_object_access
  WHERE damaged IS NOT TRUE AND event_id = 4663 AND ends_with(lower(object_name), '.lnk')
  UNION ALL
  SELECT
    time_utc, host, regexp_extract(command_line, '(?i)\b([a-z]:[\\/][^"<>|*?]*?\.lnk)\b', 1),
    'named on a command line', log, source_id, row_address
  FROM seen_process
  WHERE contains(lower(command_line), '.lnk')
  UNION ALL
  SELECT
    p.time_utc, p.host, s.volume || '\' || ltrim(replace(i.path, '/', '\'), '\'),
    'started as this shortcut in the image would', p.log, p.source_id, p.row_address
  FROM seen_process p
  JOIN mount_session s ON s.host = p.host AND s.volume IS NOT NULL
    -- both ends inclusive
    AND p.time_utc >= s.opened_utc AND (s.closed_utc IS NULL OR p.time_utc <= s.closed_utc)
  JOIN image_content i ON i.host = p.host
    AND lower(regexp_extract(i.lnk_target, '([^\\/]*)$', 1)) = p.program
    AND ends_with(lower(p.command_line), lower(trim(i.lnk_arguments)))
  WHERE p.parent_program = 'explorer.exe' AND trim(i.lnk_arguments) <> ''
), placed AS (
  SELECT
    *, lower(regexp_extract(path, '(?i)^([a-z]:|\\device\\[a-z]+[0-9]+|\\\\\?\\volume\{[0-9a-f-]+\})\\', 1)) AS volume
  FROM told
)
SELECT p.*
FROM placed p, seen_reach r
WHERE p.volume NOT IN ('', 'c:') AND p.time_utc > r.since_utc AND p.time_utc <= r.until_utc
