"""Pure decisions of payments: what a message means (`transitions`), whose number a notice shows (`numbers`)."""
