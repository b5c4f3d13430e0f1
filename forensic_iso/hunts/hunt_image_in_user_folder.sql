-- title: Image written to Downloads or AppData, with the lure its name uses
-- attack: T1553.005
-- source: Red Canary, mark-of-the-web bypass: images in Downloads and AppData, names on phishing
--   themes. Wider by IMG, VHD and VHDX; the words are those of rules.toml (lure_word), no lure:
--   NULL
-- misses: other folders, images inside of archives, images without their extension
-- parameters: lookback and as-of limit time_utc (seen_reach); neither set: all rows
WITH lure AS (
  SELECT '(^|[^a-z])(' || string_agg(value, '|') || ')([^a-z]|$)' AS pattern FROM rule_list WHERE name = 'lure_word'
)
SELECT
  f.time_utc, f.host, f.path,
  nullif(regexp_extract(regexp_extract(f.file, '([^\\]*)$', 1), l.pattern, 2), '') AS lure,
  f.process_path, f.log, f.source_id, f.row_address
FROM seen_file f, lure l
WHERE regexp_matches(f.file, '\.(iso|img|vhdx?)$')
  AND regexp_matches(f.file, '\\users\\[^\\]+\\(downloads|appdata)\\')
ORDER BY ALL
