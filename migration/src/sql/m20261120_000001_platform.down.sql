-- The role stays: other databases of the cluster may use it.
DROP SCHEMA platform CASCADE;
REVOKE SELECT ON public.seaql_migrations FROM trellis_server;
