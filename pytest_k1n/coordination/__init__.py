"""What makes many processes one run: the run folder, the gate ledger, the director that launches and observes."""
