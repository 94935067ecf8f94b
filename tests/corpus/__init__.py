"""Wrong documents, and in expected.txt where and as what each must be reported."""
