"""The synthesised template run on one machine: moto, a store stand-in, a real ERP."""
