"""A user's own smb.conf(5), brought into the lab: faithful in what clients see, harmless in all else."""
