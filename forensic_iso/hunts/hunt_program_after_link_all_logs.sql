-- title: Program started from a non-C: drive within a minute of a LNK opened there, over Defender,
--   Sysmon and Security
-- attack: T1204.002, T1553.005
-- source: own; Microsoft Sentinel 3539f855 (hunt_kql_inner) over the rows of every log: seen_link
--   and seen_process. One row per pair; a start that two logs tell is two rows. Names of hosts and
--   drives are compared without regard to case
-- misses: programs on C: that load from the drive, starts later than a minute, starts and LNKs that
--   no log shows (see seen_link); Sysmon cuts its times to milliseconds, so a start in the LNK's
--   own millisecond may seem to precede it
-- parameters: lookback (30 days unless set) and as-of (newest event of the case unless set; later
--   rows are left out)
WITH moment AS (
  -- as in the published query 30 days, unless set; from the newest event of the case, unless set
  SELECT as_of_utc - to_days(coalesce(days, 30)) AS since_utc FROM seen_reach
), link AS (
  SELECT * FROM seen_link WHERE time_utc > (SELECT since_utc FROM moment)  -- strict
), start AS (
  SELECT *, lower(regexp_extract(path, '(?i)^([a-z]:|\\device\\[a-z]+[0-9]+|\\\\\?\\volume\{[0-9a-f-]+\})\\', 1)) AS volume
  FROM seen_process
  WHERE time_utc > (SELECT since_utc FROM moment)  -- strict
)
SELECT
  l.time_utc AS "LNKLaunchTimestamp",
  p.time_utc AS "StartedProcessTimestamp",
  l.host AS "DeviceName",
  l.path AS "RemoteUrl",
  l.volume AS "Drive",
  p.program AS "StartedProcessName",
  p.hashes AS "StartedProcessHashes",
  p.path AS "StartedProcessPath",
  p.command_line AS "StartedProcessCommandline",
  p.parent_program AS "StartedProcessParentName",
  p.parent_command_line AS "StartedProcessParentCmdline",
  p.parent_path AS "StartedParentProcessFolderPath",
  p.grandparent AS "StartedProcessGrandParent",
  l.ground AS link_ground, l.log AS link_log, l.source_id AS link_source_id, l.row_address AS link_row_address,
  p.log, p.source_id, p.row_address
FROM link l
JOIN start p ON lower(p.host) = lower(l.host) AND p.volume = l.volume
-- both ends inclusive
WHERE p.time_utc BETWEEN l.time_utc AND l.time_utc + INTERVAL 1 MINUTE
ORDER BY ALL
