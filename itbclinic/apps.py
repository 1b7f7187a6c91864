from django.apps import AppConfig


class ItbclinicConfig(AppConfig):
    name = "itbclinic"
    verbose_name = "ITB clinic"
