GRANT UPDATE, DELETE ON metering.mcp_usage TO trellis_server;
DROP FUNCTION governance.keep_partitions(integer, integer);
