UPDATE tenancy.subscriptions SET limits = '{}' WHERE limits IS NULL;
ALTER TABLE tenancy.subscriptions
    DROP COLUMN past_due_since,
    ALTER COLUMN limits SET DEFAULT '{
        "maxUsers": 5,
        "maxProjects": 3,
        "maxTokensPerMonth": 1000000,
        "maxMcpServers": 10
    }',
    ALTER COLUMN limits SET NOT NULL;
