"""The business, feature by feature, stacked: a feature may use those below it and hears of those above it by nothing at all."""
