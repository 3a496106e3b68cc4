"""What docs/ says, made from the code where the code can say it, and held against it elsewhere."""
