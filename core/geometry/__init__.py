"""From depth to geometry and its files: filters, planes, rendering, measuring."""
