"""What other makers of test plans send for the same documents, by the same judge as ours."""
