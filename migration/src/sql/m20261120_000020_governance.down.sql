DROP INDEX tenancy.subscriptions_stripe_key;
CREATE INDEX subscriptions_stripe_idx ON tenancy.subscriptions (stripe_subscription_id)
    WHERE stripe_subscription_id IS NOT NULL;
ALTER TABLE tenancy.subscriptions DROP COLUMN last_billing_event_at;
DROP TABLE tenancy.billing_events;
DROP SCHEMA metering CASCADE;
DROP SCHEMA governance CASCADE;
