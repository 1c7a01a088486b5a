"""The dashboards of a coordinator as code; `build.py` beside this package writes their JSON."""
