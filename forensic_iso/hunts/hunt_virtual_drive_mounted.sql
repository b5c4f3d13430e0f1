-- title: Drive of a disk image mounted, as Defender saw it (UsbDriveMounted, bus type 15)
-- attack: T1553.005
-- source: Microsoft Defender XDR, DeviceEvents: UsbDriveMounted with BusType 15 (file-backed)
-- misses: devices without Defender; the path of the image, which the row does not have
-- parameters: lookback and as-of limit time_utc (seen_reach); neither set: all rows
SELECT e.timestamp_utc AS time_utc, e.host, json_extract_string(e.additional_fields, '$.DriveLetter') AS drive,
  json_extract_string(e.additional_fields, '$.ProductName') AS product,
  json_extract_string(e.additional_fields, '$.Manufacturer') AS manufacturer,
  'mde_device_events' AS log, e.source_id, e.row_address::VARCHAR AS row_address
FROM mde_device_events e, seen_reach r
WHERE e.timestamp_utc > r.since_utc AND e.timestamp_utc <= r.until_utc
  -- the action's name before 2021, too
  AND lower(e.action_type) IN ('usbdrivemounted', 'usbdrivemount')
  AND json_valid(e.additional_fields) AND json_extract_string(e.additional_fields, '$.BusType') = '15'
ORDER BY ALL
