"""The task runner: a client of the API like any other, in small parts. It needs the extra `runner`.

It imports nothing else of the coordinator, so that it shows what any runner has to do:

- `app` puts the parts together and `stopping` ends them; `worker` polls, `execution` sees one
  task through.
- `lease` reports from a thread of its own. A runner may work on a task only while it holds the
  lease, so the work is stopped when the coordinator says so, and also when the lease has run out
  by our own clock because no report got through: somebody else may have the task by then.
- `shell` runs a ShellCommandActivity in a process group of its own (`group`), and `guard` ends
  those groups when the runner itself is killed.
"""
