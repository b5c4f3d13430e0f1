"""From rows of evidence to an answer: SQL files that build the derived tables, in order."""
