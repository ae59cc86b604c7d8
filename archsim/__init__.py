"""What a cascade costs on a given hardware, mapped in a given way."""
