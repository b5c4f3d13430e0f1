-- Macros of the dialect.
--
--   sigma_address(text)   an IP address as '4:' and 8, or '6:' and 32 hexadecimal digits, so that text order is the order
--                         of addresses; any spelling of IPv6 (RFC 4291, 2.2), ::ffff:a.b.c.d as IPv4; NULL: no address

CREATE OR REPLACE TEMP MACRO sigma_v4(text) AS
    CASE WHEN regexp_full_match(text, '(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}')
    THEN '4:' || array_to_string(list_transform(string_split(text, '.'), lambda part: lpad(lower(to_hex(part::INTEGER)), 2, '0')), '')
    END;

CREATE OR REPLACE TEMP MACRO sigma_groups(text) AS
    CASE WHEN text = '' THEN []::VARCHAR[]
    ELSE list_transform(string_split(text, ':'), lambda part: lpad(lower(part), 4, '0')) END;

CREATE OR REPLACE TEMP MACRO sigma_v6(text) AS
    CASE
        WHEN regexp_full_match(text, '([0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}')
        THEN '6:' || array_to_string(sigma_groups(text), '')
        WHEN regexp_full_match(text, '(([0-9a-fA-F]{1,4}:)*[0-9a-fA-F]{1,4})?::(([0-9a-fA-F]{1,4}:)*[0-9a-fA-F]{1,4})?')
            AND len(sigma_groups(split_part(text, '::', 1))) + len(sigma_groups(split_part(text, '::', 2))) < 8
        THEN '6:' || rpad(array_to_string(sigma_groups(split_part(text, '::', 1)), ''),
            32 - 4 * len(sigma_groups(split_part(text, '::', 2)))::INTEGER, '0')
            || array_to_string(sigma_groups(split_part(text, '::', 2)), '')
    END;

CREATE OR REPLACE TEMP MACRO sigma_address(text) AS
    CASE
        WHEN contains(text, ':') THEN coalesce(
            sigma_v4(regexp_extract(text, '(?i)^::ffff:([0-9.]+)$', 1)),
            sigma_v6(regexp_replace(text, '%.*$', '')))
        ELSE sigma_v4(text)
    END;
