-- A draft of policies tried on decisions that were made. What it found stands in the row.
CREATE TABLE governance.policy_simulations (
    id uuid CONSTRAINT policy_simulations_pkey PRIMARY KEY,
    organization_id uuid NOT NULL
        CONSTRAINT policy_simulations_organization_fkey REFERENCES tenancy.organizations ON DELETE CASCADE,
    -- Null for all projects of the organization.
    project_id uuid,
    created_by uuid CONSTRAINT policy_simulations_created_by_fkey REFERENCES identity.users ON DELETE SET NULL,
    draft jsonb NOT NULL,
    window_start timestamptz NOT NULL,
    window_end timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'running' CONSTRAINT policy_simulations_state_values
        CHECK (state IN ('running', 'succeeded', 'failed', 'canceled')),
    total bigint NOT NULL DEFAULT 0 CONSTRAINT policy_simulations_total_not_negative CHECK (total >= 0),
    done bigint NOT NULL DEFAULT 0 CONSTRAINT policy_simulations_done_not_negative CHECK (done >= 0),
    result jsonb,
    error text,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    CONSTRAINT policy_simulations_window_is_forward CHECK (window_end > window_start),
    CONSTRAINT policy_simulations_running_has_no_end CHECK ((state = 'running') = (ended_at IS NULL)),
    CONSTRAINT policy_simulations_succeeded_has_result CHECK (state <> 'succeeded' OR result IS NOT NULL),
    CONSTRAINT policy_simulations_project_fkey FOREIGN KEY (project_id, organization_id)
        REFERENCES tenancy.projects (id, organization_id) ON DELETE CASCADE
);
CREATE INDEX policy_simulations_organization_idx
    ON governance.policy_simulations (organization_id, created_at DESC, id DESC);
CREATE INDEX policy_simulations_project_idx ON governance.policy_simulations (project_id) WHERE project_id IS NOT NULL;
CREATE INDEX policy_simulations_running_idx ON governance.policy_simulations (updated_at) WHERE state = 'running';
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON governance.policy_simulations
    FOR EACH ROW EXECUTE FUNCTION audit.record('total', 'done', 'result', 'version', 'updated_at');
