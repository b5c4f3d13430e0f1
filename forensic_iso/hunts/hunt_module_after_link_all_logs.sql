-- title: Module loaded from a non-C: drive within a minute of a LNK opened there, over Defender and
--   Sysmon 7
-- attack: T1204.002, T1218.011, T1553.005
-- source: own; hunt_image_load over the rows of every log: seen_link and seen_module. One row per
--   pair; finds rundll32 on C: with a DLL on the drive. Names of hosts and drives are compared
--   without regard to case
-- misses: scripts, programs started from the drive without a module event, loads later than a
--   minute, hosts without Sysmon 7 or Defender's export, LNKs that no log shows (see seen_link)
-- parameters: lookback (30 days unless set) and as-of (newest event of the case unless set; later
--   rows are left out)
WITH moment AS (
  -- as in the published query 30 days, unless set; from the newest event of the case, unless set
  SELECT as_of_utc - to_days(coalesce(days, 30)) AS since_utc FROM seen_reach
), link AS (
  SELECT * FROM seen_link WHERE time_utc > (SELECT since_utc FROM moment)  -- strict
), load AS (
  SELECT *, lower(regexp_extract(path, '(?i)^([a-z]:|\\device\\[a-z]+[0-9]+|\\\\\?\\volume\{[0-9a-f-]+\})\\', 1)) AS volume
  FROM seen_module
  WHERE time_utc > (SELECT since_utc FROM moment)  -- strict
)
SELECT
  l.time_utc AS "LNKLaunchTimestamp",
  m.time_utc AS "ImageLoadTimestamp",
  l.host AS "DeviceName",
  l.path AS "RemoteUrl",
  l.volume AS "Drive",
  m.module AS "ModuleName",
  m.hashes AS "ModuleHashes",
  m.path AS "ModulePath",
  m.trusted AS "ModuleTrusted",
  m.program AS "ProcessName",
  coalesce(m.process_command_line, p.command_line) AS "ProcessCommandline",
  m.process_path AS "ProcessFolderPath",
  coalesce(m.parent_program, p.parent_program) AS "ProcessParentName",
  l.ground AS link_ground, l.log AS link_log, l.source_id AS link_source_id, l.row_address AS link_row_address,
  m.log, m.source_id, m.row_address
FROM link l
JOIN load m ON lower(m.host) = lower(l.host) AND m.volume = l.volume
LEFT JOIN seen_process p ON p.host = m.host AND p.process_guid = m.process_guid AND p.log = 'sysmon_process_create'
-- both ends inclusive
WHERE m.time_utc BETWEEN l.time_utc AND l.time_utc + INTERVAL 1 MINUTE
ORDER BY ALL
