-- The ledger of budgets: what a call may cost is reserved over all of its budgets in one statement, and settled in another.
-- Invariant: budgets are locked in the order of their key, and before their reservations, so that nobody waits in a circle.

-- Makes the budgets that are missing and locks all of them, lets go what is overdue, and reserves in each or in none: in
-- none where one that refuses has no room. Gives how each stands then.
CREATE FUNCTION metering.reserve(wanted jsonb, call uuid, at timestamptz, expires timestamptz)
RETURNS TABLE (
    place integer, budget_id uuid, used numeric, reserved numeric, thresholds_told integer[], has_room boolean, is_reserved boolean
)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    ids uuid[];
    admitted boolean;
BEGIN
    INSERT INTO metering.budgets AS held (
        id, organization_id, project_id, policy_id, limit_index, subject_type, subject_id, measure, amount,
        window_start, window_end, created_at, updated_at
    )
    SELECT w.id, p.organization_id, coalesce(p.project_id, w.project_id), w.policy_id, w.limit_index, w.subject_type,
        w.subject_id, w.measure, w.amount, w.window_start, w.window_end, at, at
    FROM jsonb_to_recordset(wanted) AS w(
        id uuid, project_id uuid, policy_id uuid, limit_index integer, subject_type text, subject_id uuid,
        measure text, amount numeric, window_start timestamptz, window_end timestamptz
    ) JOIN governance.policies p ON p.id = w.policy_id
    ORDER BY w.policy_id, w.limit_index, w.subject_id, w.window_start
    -- Locks the row also where nothing changes.
    ON CONFLICT (policy_id, limit_index, subject_id, window_start) DO UPDATE
        SET amount = excluded.amount, updated_at = excluded.updated_at WHERE held.amount <> excluded.amount;

    SELECT array_agg(b.id) INTO ids
    FROM jsonb_to_recordset(wanted) AS w(policy_id uuid, limit_index integer, subject_id uuid, window_start timestamptz)
    JOIN metering.budgets b USING (policy_id, limit_index, subject_id, window_start);

    PERFORM metering.let_go(ids, at);

    SELECT bool_and(NOT w.refuses OR b.used + b.reserved < b.amount AND b.used + b.reserved + w.estimate <= b.amount)
    INTO admitted
    FROM jsonb_to_recordset(wanted) AS w(
        policy_id uuid, limit_index integer, subject_id uuid, window_start timestamptz, estimate numeric, refuses boolean
    ) JOIN metering.budgets b USING (policy_id, limit_index, subject_id, window_start);

    RETURN QUERY
    WITH standing AS (
        SELECT w.place, w.reservation_id, w.estimate, b.id, b.organization_id, b.project_id, b.used, b.reserved,
            b.thresholds_told, b.used + b.reserved < b.amount AND b.used + b.reserved + w.estimate <= b.amount AS has_room
        FROM jsonb_to_recordset(wanted) AS w(
            place integer, reservation_id uuid, policy_id uuid, limit_index integer, subject_id uuid,
            window_start timestamptz, estimate numeric
        ) JOIN metering.budgets b USING (policy_id, limit_index, subject_id, window_start)
    ), raised AS (
        UPDATE metering.budgets b SET reserved = b.reserved + s.estimate, updated_at = at
        FROM standing s WHERE b.id = s.id AND admitted
    ), entered AS (
        INSERT INTO metering.reservations
            (id, budget_id, organization_id, project_id, decision_id, estimate, expires_at, created_at)
        SELECT s.reservation_id, s.id, s.organization_id, s.project_id, call, s.estimate, expires, at
        FROM standing s WHERE admitted
    )
    SELECT s.place, s.id, s.used, s.reserved + CASE WHEN admitted THEN s.estimate ELSE 0 END, s.thresholds_told,
        s.has_room, admitted
    FROM standing s;
END
$$;

-- Lets go the reservations of locked budgets that never told what they used. They count again once they do.
CREATE FUNCTION metering.let_go(locked uuid[], at timestamptz) RETURNS bigint
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    WITH overdue AS (
        UPDATE metering.reservations r SET state = 'expired', settled_at = at
        WHERE r.budget_id = ANY (locked) AND r.state = 'held' AND r.expires_at <= at
        RETURNING r.budget_id, r.estimate
    ), lowered AS (
        UPDATE metering.budgets b SET reserved = b.reserved - o.estimate, updated_at = at
        FROM (SELECT budget_id, sum(estimate) AS estimate FROM overdue GROUP BY budget_id) o WHERE b.id = o.budget_id
    )
    SELECT count(*) FROM overdue
$$;

-- Lets go everything that is overdue, and says how many reservations that were.
CREATE FUNCTION metering.expire(at timestamptz) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ids uuid[];
BEGIN
    SELECT array_agg(id) INTO ids FROM (
        SELECT b.id FROM metering.budgets b
        WHERE b.id IN (SELECT r.budget_id FROM metering.reservations r WHERE r.state = 'held' AND r.expires_at <= at)
        ORDER BY b.policy_id, b.limit_index, b.subject_id, b.window_start
        FOR UPDATE
    ) AS locked;
    RETURN metering.let_go(ids, at);
END
$$;

-- Ends the reservations of a call: with what it used of each measure, or without anything where it was not made. What was
-- let go before counts all the same. Gives how its budgets stand then.
CREATE FUNCTION metering.settle(call uuid, actuals jsonb, at timestamptz)
RETURNS TABLE (budget_id uuid, amount numeric, used numeric, reserved numeric, thresholds_told integer[])
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    PERFORM 1 FROM metering.budgets b
    WHERE b.id IN (SELECT r.budget_id FROM metering.reservations r WHERE r.decision_id = call)
    ORDER BY b.policy_id, b.limit_index, b.subject_id, b.window_start
    FOR UPDATE;

    WITH ended AS (
        SELECT r.id, r.budget_id, r.state, r.estimate, (actuals ->> b.measure)::numeric AS actual
        FROM metering.reservations r JOIN metering.budgets b ON b.id = r.budget_id
        WHERE r.decision_id = call AND (r.state = 'held' OR r.state = 'expired' AND actuals IS NOT NULL)
    ), noted AS (
        UPDATE metering.reservations r
        SET state = CASE WHEN actuals IS NULL THEN 'released' ELSE 'settled' END, actual = e.actual, settled_at = at
        FROM ended e WHERE r.id = e.id
    )
    UPDATE metering.budgets b
    SET used = b.used + coalesce(e.actual, 0), updated_at = at,
        reserved = b.reserved - CASE WHEN e.state = 'held' THEN e.estimate ELSE 0 END
    FROM ended e WHERE b.id = e.budget_id;

    RETURN QUERY SELECT b.id, b.amount, b.used, b.reserved, b.thresholds_told FROM metering.budgets b
    WHERE b.id IN (SELECT r.budget_id FROM metering.reservations r WHERE r.decision_id = call);
END
$$;

-- Counts the budgets of windows that are not long over anew from their reservations, and says how many disagreed.
CREATE FUNCTION metering.rebuild(at timestamptz) RETURNS bigint
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    corrected bigint;
BEGIN
    PERFORM 1 FROM metering.budgets b WHERE b.window_end > at - interval '2 days'
    ORDER BY b.policy_id, b.limit_index, b.subject_id, b.window_start
    FOR UPDATE;

    UPDATE metering.budgets b SET used = counted.used, reserved = counted.reserved, updated_at = at
    FROM (
        SELECT b.id, coalesce(sum(r.actual) FILTER (WHERE r.state = 'settled'), 0) AS used,
            coalesce(sum(r.estimate) FILTER (WHERE r.state = 'held'), 0) AS reserved
        FROM metering.budgets b LEFT JOIN metering.reservations r ON r.budget_id = b.id
        WHERE b.window_end > at - interval '2 days'
        GROUP BY b.id
    ) AS counted
    WHERE b.id = counted.id AND (b.used, b.reserved) IS DISTINCT FROM (counted.used, counted.reserved);
    GET DIAGNOSTICS corrected = ROW_COUNT;
    RETURN corrected;
END
$$;
