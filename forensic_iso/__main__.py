"""`python -m forensic_iso`."""

from forensic_iso.cli import main

if __name__ == "__main__":
    main()
