"""Gates evaluated where a threshold can make a difference, and nowhere else."""
