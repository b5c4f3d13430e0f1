"""Hand-over to other tools: each format a module, all in a total order, none holding a table in memory."""
