"""From what people typed to Ed-Fi records. ``uri(name, code)`` maps a local code."""

STUDENTS = "students"
ENROLLMENTS = "studentSchoolAssociations"
ASSOCIATIONS = "studentCTEProgramAssociations"
#: In the order in which the API needs them.
RESOURCES = (STUDENTS, ENROLLMENTS, ASSOCIATIONS)
#: The descriptor sets that people's codes are mapped to.
DESCRIPTORS = (
    "gradeLevelDescriptors",
    "programTypeDescriptors",
    "technicalSkillsAssessmentDescriptors",
    "cteProgramServiceDescriptors",
)


def records(row, uri):
    """Resource -> record."""
    student = {"studentUniqueId": row["studentUniqueId"]}
    names = ("firstName", "middleName", "lastSurname", "birthDate")
    return {
        STUDENTS: {**student, **{name: row[name] for name in names if row.get(name)}},
        ENROLLMENTS: {
            "studentReference": student,
            "schoolReference": {"schoolId": int(row["schoolId"])},
            "entryDate": row["entryDate"],
            "entryGradeLevelDescriptor": uri("gradeLevelDescriptors", row["entryGradeLevel"]),
        },
        ASSOCIATIONS: {
            "studentReference": student,
            "beginDate": row["beginDate"],
            "educationOrganizationReference": {
                "educationOrganizationId": int(row["educationOrganizationId"])
            },
            "programReference": {
                "educationOrganizationId": int(row["programEducationOrganizationId"]),
                "programName": row["programName"],
                "programTypeDescriptor": uri("programTypeDescriptors", row["programType"]),
            },
            "nonTraditionalGenderStatus": row["nonTraditionalGenderStatus"] == "true",
            "privateCTEProgram": row["privateCTEProgram"] == "true",
            "technicalSkillsAssessmentDescriptor": uri(
                "technicalSkillsAssessmentDescriptors", row["technicalSkillsAssessment"]
            ),
            "cteProgramServices": [
                {
                    "cteProgramServiceDescriptor": uri(
                        "cteProgramServiceDescriptors", row["cteProgramService"]
                    ),
                    "cipCode": row["cipCode"],
                    "primaryIndicator": row["primaryIndicator"] == "true",
                }
            ],
        },
    }
