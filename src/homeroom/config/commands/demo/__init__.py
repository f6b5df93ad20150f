from homeroom.config.commands.demo.command import demo

__all__ = ["demo"]
