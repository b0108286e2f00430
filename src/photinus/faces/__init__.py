"""What people touch: commands, figures, reports, studies, the demo."""
