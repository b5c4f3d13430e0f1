-- Words that the other files share: rules as variables, paths in one spelling, evidence on one clock.
-- Nothing is published here.
--   ns_of(time), never_ns()           a time as ns since 1970, and one behind all of them
--   rule_value, rule_ns, rule_words   a number, a number of seconds as nanoseconds, a list of rules.toml
--   canonical(path)                   the path without \\?\, \??\, \\.\, GLOBALROOT; redirectors as \\server\share
--   path_key(path)                    that in lower case: the key of all joins on paths
--   volume_of(path)                   letter 'e:', '\device\...n' or '\\?\volume{guid}' a path begins with, lower case
--   timed(table), sysmon_timed(table) sound rows only, with mono_ns: their time on the clock without jumps
-- Damaged records and records without host or time take part in no join (they stay in their tables).
SET VARIABLE rule = (SELECT map_from_entries(list((name, value))) FROM rule);
SET VARIABLE rule_list = (
    SELECT map_from_entries(list((name, words)))
    FROM (SELECT name, coalesce(list(lower(value)) FILTER (value IS NOT NULL), []) AS words FROM rule_list GROUP BY name)
);

CREATE OR REPLACE TEMP MACRO rule_value(rule_name) AS getvariable('rule')[rule_name];
CREATE OR REPLACE TEMP MACRO rule_ns(rule_name) AS CAST(getvariable('rule')[rule_name] * 1000000000 AS BIGINT);
-- Times as numbers, from 1874 to 2065: what lies outside is taken as at that end, so that no sum or difference of times overflows.
CREATE OR REPLACE TEMP MACRO bounded_ns(ns, bound) AS CASE WHEN ns IS NOT NULL THEN least(greatest(ns, -bound), bound) END;
CREATE OR REPLACE TEMP MACRO ns_of(stamp) AS bounded_ns(epoch_ns(stamp), 3000000000000000000);
-- Behind all of them, whatever the shift of a clock.
CREATE OR REPLACE TEMP MACRO never_ns() AS 4100000000000000000;
-- Numbers of records that lack between two of a log, in order of their ids; an id may be any 64-bit number, and stand twice.
CREATE OR REPLACE TEMP MACRO ids_between(before_id, record_id) AS
    CASE WHEN record_id > before_id THEN least(record_id - before_id - 1, 9223372036854775807)::BIGINT ELSE 0 END;
CREATE OR REPLACE TEMP MACRO rule_words(rule_name) AS getvariable('rule_list')[rule_name];
-- One pattern out of a list of patterns.
CREATE OR REPLACE TEMP MACRO rule_pattern(rule_name) AS
    '(' || array_to_string(getvariable('rule_list')[rule_name], '|') || ')';

CREATE OR REPLACE TEMP MACRO canonical(path) AS
    rtrim(
        regexp_replace(
            regexp_replace(
                regexp_replace(
                    regexp_replace(
                        regexp_replace(
                            replace(path, '/', '\'),
                            '(?i)^\\(\\[?.]|\?\?)\\(globalroot\\)?unc\\', '\\\\'
                        ),
                        '(?i)^\\(\\[?.]|\?\?)\\globalroot\\', '\\'
                    ),
                    '(?i)^\\(\\[?.]|\?\?)\\([^v]|v[^o])', '\2'
                ),
                '(?i)^\\device\\(mup|lanmanredirector)\\(;[^\\]*\\)?', '\\\\'
            ),
            '([^\\])\\{2,}', '\1\\', 'g'
        ),
        '. '
    );
CREATE OR REPLACE TEMP MACRO path_key(path) AS lower(canonical(path));
CREATE OR REPLACE TEMP MACRO volume_of(path) AS
    nullif(
        regexp_extract(
            path_key(path), '^([a-z]:|\\device\\[a-z]+[0-9]+|\\\\[?.]\\volume\{[0-9a-f-]+\}|\\\?\?\\volume\{[0-9a-f-]+\})', 1
        ),
        ''
    );
CREATE OR REPLACE TEMP MACRO file_name(path) AS regexp_extract(path, '([^\\/]*)$', 1);
CREATE OR REPLACE TEMP MACRO extension_of(path) AS lower(nullif(regexp_extract(path, '\.([^.\\/: ]+)$', 1), ''));
-- Program's name without folder and extension, lower case.
CREATE OR REPLACE TEMP MACRO program_of(path) AS regexp_replace(lower(regexp_extract(path, '([^\\/]*)$', 1)), '\.(exe|com|scr)$', '');
-- Words behind what a hive holds in cells that it no longer uses.
CREATE OR REPLACE TEMP MACRO recovered(origin) AS CASE WHEN origin LIKE 'deleted%' THEN ' (recovered from a deleted key)' ELSE '' END;
CREATE OR REPLACE TEMP MACRO short_hash(text) AS left(md5(text), 16);
CREATE OR REPLACE TEMP MACRO instant(ns) AS make_timestamp_ns(ns);
CREATE OR REPLACE TEMP MACRO filled(text) AS nullif(nullif(trim(text), ''), '-');
CREATE OR REPLACE TEMP MACRO guid_key(guid) AS nullif(nullif(lower(trim(guid, '{} ')), ''), '00000000-0000-0000-0000-000000000000');
