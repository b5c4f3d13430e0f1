-- finding_part: the deliveries, sessions and executions a finding is made of, whatever path each names the image by.
-- From subject (30) and finding (35). Acts follow their execution.
-- Misses: nothing that a finding counts.
INSERT INTO finding_part BY NAME
WITH member AS (
    SELECT s.finding_id, 'delivery' AS part, d.delivery_id AS part_id, d.image_path
    FROM subject s
    JOIN image_delivery d USING (delivery_id)
    UNION
    SELECT s.finding_id, 'session', m.session_id, m.image_path
    FROM subject s
    JOIN mount_session m USING (session_id)
    UNION
    SELECT s.finding_id, 'execution', e.execution_id, e.image_path
    FROM subject s
    JOIN execution e USING (session_id)
    UNION
    SELECT s.finding_id, 'execution', e.execution_id, e.image_path
    FROM subject s
    JOIN execution e ON e.host = s.host AND e.image_path = s.image_path
    WHERE e.session_id IS NULL AND s.session_id IS NULL AND s.delivery_id IS NULL
)
SELECT f.finding_id, f.host, m.part, m.part_id, m.image_path
FROM member m
JOIN finding f USING (finding_id);
