"""What an examiner hands over: one model of a case, written as HTML, Markdown, JSON and PDF."""
