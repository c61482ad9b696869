"""What learners write for themselves beside a lesson; nobody else ever reads it."""
