-- Ways into an organization and its spaces: invitations as links, listed spaces that may be asked for, and the requests.

-- A link is for nobody in particular.
ALTER TABLE tenancy.invitations ALTER COLUMN email DROP NOT NULL;
DROP INDEX tenancy.invitations_organization_idx;
CREATE INDEX invitations_organization_idx ON tenancy.invitations (organization_id, created_at DESC, id DESC);

-- Members of the organization see that a listed space is there and may ask to join, without seeing into it.
ALTER TABLE tenancy.spaces
    ADD COLUMN is_listed boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT spaces_listed_has_organization CHECK (NOT is_listed OR organization_id IS NOT NULL);
CREATE INDEX spaces_listed_idx ON tenancy.spaces (organization_id, name, id)
    WHERE is_listed AND privacy = 'private' AND deleted_at IS NULL AND archived_at IS NULL;

CREATE TABLE tenancy.join_requests (
    id uuid CONSTRAINT join_requests_pkey PRIMARY KEY,
    space_id uuid NOT NULL CONSTRAINT join_requests_space_fkey REFERENCES tenancy.spaces ON DELETE CASCADE,
    organization_id uuid NOT NULL,
    user_id uuid NOT NULL,
    message text CONSTRAINT join_requests_message_length CHECK (char_length(message) <= 2000),
    state text NOT NULL DEFAULT 'open' CONSTRAINT join_requests_state_values
        CHECK (state IN ('open', 'approved', 'declined', 'withdrawn')),
    decided_by uuid CONSTRAINT join_requests_decided_by_fkey REFERENCES identity.users ON DELETE SET NULL,
    decided_at timestamptz,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT join_requests_decided_is_not_open CHECK ((state = 'open') = (decided_at IS NULL)),
    CONSTRAINT join_requests_member_fkey FOREIGN KEY (organization_id, user_id)
        REFERENCES tenancy.members (organization_id, user_id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX join_requests_open_key ON tenancy.join_requests (space_id, user_id) WHERE state = 'open';
CREATE INDEX join_requests_open_idx ON tenancy.join_requests (space_id, created_at, id) WHERE state = 'open';
CREATE INDEX join_requests_member_idx ON tenancy.join_requests (user_id, organization_id);
CREATE TRIGGER set_organization BEFORE INSERT OR UPDATE OF space_id, organization_id ON tenancy.join_requests
    FOR EACH ROW EXECUTE FUNCTION tenancy.set_organization('space');
CREATE TRIGGER audit AFTER INSERT OR UPDATE OR DELETE ON tenancy.join_requests
    FOR EACH ROW EXECUTE FUNCTION audit.record();
