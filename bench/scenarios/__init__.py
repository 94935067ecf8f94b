"""One scenario a module: its docstring says what is measured, `async def run(report)` measures it."""
