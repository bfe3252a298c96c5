"""KRA's eTIMS (OSCU): requests and answers translated, result codes classed.

Numbering and the order of sending belong to the fiscal feature.
"""
