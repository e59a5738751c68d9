// Ends before it takes its job.
process.exit(4)
