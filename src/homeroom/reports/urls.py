from django.urls import path

from homeroom.reports.views import files, reports, saved, schedules, statistics

app_name = "reports"
urlpatterns = [
    path("reports/statistics/", statistics.statistics, name="statistics"),
    path("reports/statistics/settings/", statistics.settings, name="statistics-settings"),
    path("reports/incidents/", statistics.counted_incidents, name="incidents"),
    path("reports/mdm/", reports.index, name="reports"),
    path("reports/mdm/<slug:name>/", reports.report, name="report"),
    path("reports/mdm/<slug:name>/left-out/", reports.left_out, name="left-out"),
    path("reports/views/new/", saved.new, name="view-new"),
    path("reports/views/<int:pk>/", saved.edit, name="view-edit"),
    path("reports/views/<int:pk>/again/", saved.save_again, name="view-again"),
    path("reports/views/<int:pk>/delete/", saved.delete, name="view-delete"),
    path("reports/files/", files.files, name="files"),
    path("reports/files/new/", files.new, name="file-new"),
    path("reports/files/<int:pk>/", files.file, name="file"),
    path("reports/files/<int:pk>/content/", files.content, name="file-content"),
    path("reports/files/<int:pk>/again/", files.again, name="file-again"),
    path("reports/files/<int:pk>/delete/", files.delete, name="file-delete"),
    path("reports/schedules/", schedules.index, name="schedules"),
    path("reports/schedules/new/", schedules.new, name="schedule-new"),
    path("reports/schedules/<int:pk>/", schedules.detail, name="schedule"),
    path("reports/schedules/<int:pk>/edit/", schedules.edit, name="schedule-edit"),
    path("reports/schedules/<int:pk>/send/", schedules.send, name="schedule-send"),
    path("reports/schedules/<int:pk>/pause/", schedules.pause, name="schedule-pause"),
    path("reports/schedules/<int:pk>/resume/", schedules.resume, name="schedule-resume"),
    path("reports/schedules/<int:pk>/leave/", schedules.leave, name="schedule-leave"),
    path("reports/schedules/<int:pk>/delete/", schedules.delete, name="schedule-delete"),
]
