DROP FUNCTION metering.keep_partitions(integer, integer);
DROP TABLE metering.mcp_call_ids;
DROP TABLE metering.mcp_usage;
