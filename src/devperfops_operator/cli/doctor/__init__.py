"""`devperfops doctor`: everything a gate depends on, seen from where the person sits, and what to do."""
