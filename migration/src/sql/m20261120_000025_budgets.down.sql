DROP FUNCTION metering.rebuild(timestamptz);
DROP FUNCTION metering.settle(uuid, jsonb, timestamptz);
DROP FUNCTION metering.expire(timestamptz);
DROP FUNCTION metering.reserve(jsonb, uuid, timestamptz, timestamptz);
DROP FUNCTION metering.let_go(uuid[], timestamptz);
