"""Recording a visit, and a recorded one."""
