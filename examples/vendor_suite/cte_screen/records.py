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
    """Resource -> record. Without names and a school another system has sent those records."""
    student = {"studentUniqueId": row["studentUniqueId"]}
    names = ("firstName", "middleName", "lastSurname", "birthDate")
    made = {}
    if row.get("lastSurname"):
        made[STUDENTS] = {**student, **{name: row[name] for name in names if row.get(name)}}
    if row.get("schoolId"):
        made[ENROLLMENTS] = {
            "studentReference": student,
            "schoolReference": {"schoolId": int(row["schoolId"])},
            "entryDate": row["entryDate"],
            "entryGradeLevelDescriptor": uri("gradeLevelDescriptors", row["entryGradeLevel"]),
        }
    return {
        **made,
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


def row_of(association):
    """What a person would have typed for this association."""

    def code(uri):
        return uri.partition("#")[2]

    def word(value):
        return "true" if value else "false"

    program, (service,) = association["programReference"], association["cteProgramServices"]
    return {
        "studentUniqueId": association["studentReference"]["studentUniqueId"],
        "beginDate": association["beginDate"],
        "educationOrganizationId": association["educationOrganizationReference"][
            "educationOrganizationId"
        ],
        "programEducationOrganizationId": program["educationOrganizationId"],
        "programName": program["programName"],
        "programType": code(program["programTypeDescriptor"]),
        "nonTraditionalGenderStatus": word(association["nonTraditionalGenderStatus"]),
        "privateCTEProgram": word(association["privateCTEProgram"]),
        "technicalSkillsAssessment": code(association["technicalSkillsAssessmentDescriptor"]),
        "cteProgramService": code(service["cteProgramServiceDescriptor"]),
        "cipCode": service["cipCode"],
        "primaryIndicator": word(service["primaryIndicator"]),
    }
