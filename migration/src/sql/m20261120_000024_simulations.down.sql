DROP TABLE governance.policy_simulations;
