"""The agent: runs beside JMeter, reads its results as they come, tells the operator, stops JMeter when asked.

All it knows lies in the results folder it shares with JMeter, so killing and restarting it loses nothing.
"""
